"""The presets of the nodes of a cluster."""

from __future__ import annotations

from typing import Any

from ...tasks.ports.presets import PresetsElsewhere, UnknownPreset
from ...tasks.queue.model_downloads import Download
from .nodes import NOT_HERE, Nodes


class ClusterPresets:
    """Implements `api.context.Presets` on the catalogues of the nodes. Presets are files of a node, which alone can change them.

    A preset's missing files are not downloaded: a task goes to a node that has them.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def values(self, name: str) -> dict[str, Any]:
        return dict(self._nodes.catalogue()["presets"].get(name, {}))

    def downloads(self, name: str) -> list[Download]:
        return []

    def fields(self) -> frozenset[str]:
        return frozenset(self._nodes.catalogue()["preset_fields"])

    def is_own(self, name: str) -> bool:
        return False

    def write(self, name: str, fields: dict[str, Any]) -> bool:
        raise PresetsElsewhere(NOT_HERE)

    def remove(self, name: str) -> None:
        raise PresetsElsewhere(NOT_HERE) if name in self._nodes.catalogue()["presets"] else UnknownPreset(name)
