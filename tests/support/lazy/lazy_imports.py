"""Imports matplotlib when it is used first. Gradio imports it for plots, which no test shows: a second in each start."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

LAZY = frozenset({"matplotlib", "matplotlib.pyplot"})


class LazyFinder(importlib.abc.MetaPathFinder):
    """A finder that wraps the loaders of some modules."""

    def __init__(self) -> None:
        self._searched: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in LAZY or name in self._searched:
            return None
        self._searched.add(name)  # the search below asks all finders, this one, too
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._searched.discard(name)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, LazyFinder())
