"""Delays patches of modules that are still being imported when the startup hook triggers.

A fork's launch.py may import `modules.util` first, which imports `modules.config` and so `args_manager`, which starts the
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
    """A patch, and the module whose import must finish first."""

    module_name: str
    run: Patch


def is_half_imported(module_name: str) -> bool:
    """Return whether the import system is still executing the module."""
    spec = getattr(sys.modules.get(module_name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


class DeferredPatches:
    """Meta-path finder that finds nothing: on every further import it checks for modules whose import has finished.

    The worker's module is imported after them, so it sees them patched. `settle` checks once more, for a host that imports
    nothing further.
    """

    def __init__(self) -> None:
        self._pending: list[PendingPatch] = []
        self._lock = threading.Lock()

    def append(self, patch: PendingPatch) -> None:
        """Store a patch until its module is fully imported."""
        with self._lock:
            self._pending.append(patch)
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Return None, after running the patches that are ready."""
        self.settle()

    def settle(self) -> None:
        """Run the patches of modules that are fully imported; if a module's import failed, its patch runs on the next import."""
        with self._lock:
            ready = [patch for patch in self._pending if not is_half_imported(patch.module_name)]
            self._pending = [patch for patch in self._pending if patch not in ready]
            if not self._pending:
                self._remove()
        for patch in ready:
            wrapt.register_post_import_hook(patch.run, patch.module_name)  # runs at once if the module is imported

    def discard(self) -> None:
        """Drop all pending patches."""
        with self._lock:
            self._pending = []
            self._remove()

    def _remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
