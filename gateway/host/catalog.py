"""The names that the nodes of a cluster offer."""

from __future__ import annotations

from ...tasks.ports.catalog import ControlType, ModelFile, Style, Wildcard
from ...tasks.ports.performance import Performance
from .nodes import Nodes


class ClusterCatalog:
    """Implements `api.context.DetailedCatalog` on the catalogues of the nodes."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def names(self, kind: str) -> list[str]:
        return list(self._nodes.catalogue()["names"].get(kind, ()))

    def refresh(self) -> None:
        """Have the nodes scan their folders. Waits for seconds if one of them does not answer."""
        self._nodes.refresh()

    def control_types(self) -> list[ControlType]:
        return [ControlType(name, *values) for name, values in self._nodes.catalogue()["control_types"].items()]

    def model_kinds(self) -> list[str]:
        return list(self._nodes.catalogue()["model_kinds"])

    def models(self, kinds: list[str]) -> list[ModelFile]:
        return [ModelFile(**file) for file in self._nodes.catalogue()["models"] if file["kind"] in kinds]

    def style(self, name: str) -> Style | None:
        catalogue = self._nodes.catalogue()
        if name not in catalogue["names"].get("styles", ()):
            return None
        prompt, negative = catalogue["styles"].get(name, (None, None))
        return Style(name, prompt, negative, None)

    def style_texts(self) -> dict[str, tuple[str, str]]:
        return {name: (prompt, negative) for name, (prompt, negative) in self._nodes.catalogue()["styles"].items()}

    def wildcards(self) -> list[Wildcard]:
        return [Wildcard(name, one["lines"]) for name, one in self._nodes.catalogue()["wildcards"].items()]

    def wildcard(self, name: str) -> str:
        found = self._nodes.catalogue()["wildcards"].get(name)
        return "" if found is None else str(found["text"])

    def performances(self) -> list[Performance]:
        return [Performance(name, *values) for name, values in self._nodes.catalogue()["performances"].items()]

    def hashes(self, kind: str) -> dict[str, str]:
        return dict(self._nodes.catalogue()["hashes"].get(kind, {}))
