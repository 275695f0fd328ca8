"""Modules that are still being imported when the extension wakes, and the patches that wait until each is whole.

A fork's launch.py may import `modules.util` first, which imports `modules.config` and so `args_manager`, which wakes the
extension: at that moment `modules.util` is in `sys.modules` without the functions that its remaining lines define.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import wrapt

Patch = Callable[[ModuleType], None]


@dataclass(frozen=True)
class PendingPatch:
    """A patch and the module whose import has to end first."""

    module_name: str
    run: Patch


def is_half_imported(module_name: str) -> bool:
    """Return True while the import system still executes the module."""
    spec = getattr(sys.modules.get(module_name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


class UntilWhole:
    """A finder that finds nothing: each further import is its occasion to look for modules that have become whole.

    The worker's module is imported after them, so it meets them patched. `settle` looks once more, for a host that imports
    nothing further.
    """

    def __init__(self) -> None:
        self._pending: list[PendingPatch] = []
        self._lock = threading.Lock()

    def append(self, patch: PendingPatch) -> None:
        """Keep a patch until its module is whole."""
        with self._lock:
            self._pending.append(patch)
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Find nothing, and run the patches that can run by now."""
        self.settle()

    def settle(self) -> None:
        """Run the patches of modules that are whole; those of a module whose import failed wait for its next import."""
        with self._lock:
            ready = [patch for patch in self._pending if not is_half_imported(patch.module_name)]
            self._pending = [patch for patch in self._pending if patch not in ready]
            if not self._pending:
                self._remove()
        for patch in ready:
            wrapt.register_post_import_hook(patch.run, patch.module_name)  # at once for a module that is there

    def leave(self) -> None:
        """Drop every patch that still waits."""
        with self._lock:
            self._pending = []
            self._remove()

    def _remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
