"""The arguments that tasks have on the nodes of a cluster."""

from __future__ import annotations

from typing import Any

from ...tasks.ports.host_arguments import Bounds, HostField
from ..catalogue.kinds import KINDS
from ..catalogue.writing import place_name
from .nodes import Nodes


class ClusterArguments:
    """Implements `api.context.HostArguments` on the catalogues of the nodes."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def default(self, field: str) -> Any:
        return self._known()["defaults"].get(field)

    def list_sizes(self) -> dict[str, int]:
        return dict(self._known()["list_sizes"])

    def bounds(self, field: str, key: str | None) -> Bounds:
        return Bounds(*self._known()["bounds"].get(place_name(field, key), ()))

    def extra_fields(self, taken: set[str]) -> dict[str, HostField]:
        return {name: self._field(name) for name in self._known()["extra"] if name not in taken}

    def _known(self) -> dict[str, Any]:
        known: dict[str, Any] = self._nodes.catalogue()["arguments"]
        return known

    def _field(self, name: str) -> HostField:
        one = self._known()["extra"][name]

        def choices() -> list[Any]:
            return list(self._known()["extra"].get(name, one)["choices"] or ())

        return HostField(
            one["default"],
            KINDS.get(one["kind"], str),
            one["label"],
            Bounds(*one["bounds"]),
            None if one["choices"] is None else choices,
            tuple(one["suggestions"]),
            one["several"],
        )
