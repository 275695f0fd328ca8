"""Post-import hooks on host modules, and wrappers around host functions: reversible, idempotent, never raising into the host."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt

from ..inspection.patch_points import HostModule
from .half_imported import DeferredPatches, PendingPatch, is_half_imported

log = logging.getLogger("fooocus_api.hooks")

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class Patches:
    """All changes made to the host, so that they can be undone.

    A patch runs once per module, right after the module is imported (at once if it is imported already). An exception in it is
    logged and kept in `problems`; the host continues without that patch.
    """

    def __init__(self) -> None:
        self.enabled = True
        self.problems: dict[str, str] = {}
        self._undo: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._deferred = DeferredPatches()
        self._registered: set[str] = set()
        self._patched: set[str] = set()

    def when_imported(self, module_name: str, patch: Callable[[ModuleType], None]) -> None:
        """Run `patch` on a host module as soon as the host has imported it."""

        def run(module: ModuleType) -> None:
            with self._lock:
                if not self.enabled or module_name in self._patched:
                    return
                self._patched.add(module_name)
            try:
                patch(module)
            except Exception as error:
                self.problems[module_name] = f"{type(error).__name__}: {error}"
                log.exception(
                    "host module not patched; Fooocus continues without the patch", extra={"patched": module_name}
                )

        self._registered.add(module_name)
        if is_half_imported(module_name):  # wrapt considers it imported and would patch names that do not exist yet
            self._deferred.append(PendingPatch(module_name, run))
        else:
            wrapt.register_post_import_hook(run, module_name)

    def apply(self, module: HostModule, *steps: Callable[[ModuleType, Patches], None]) -> None:
        """Run the steps of a host module's patch as soon as the host has imported it."""

        def patch(imported: ModuleType) -> None:
            for step in steps:
                step(imported, self)

        self.when_imported(module.name, patch)

    def settle(self) -> None:
        """Run the delayed patches of modules whose import has finished."""
        self._deferred.settle()

    def report(self) -> dict[str, str]:
        """Return for each host module `patched`, `waiting` (not imported yet), or the error."""
        return {
            name: self.problems.get(name) or ("patched" if name in self._patched else "waiting")
            for name in sorted(self._registered)
        }

    def wrap(self, owner: ModuleType | type, path: str, wrapper: Wrapper) -> None:
        """Wrap a function or method in `wrapper(wrapped, instance, args, kwargs)`; inactive once the hooks are uninstalled."""
        parent, name, original = wrapt.resolve_path(owner, path)
        replacement = wrapt.FunctionWrapper(original, wrapper, enabled=lambda: self.enabled)
        wrapt.apply_patch(parent, name, replacement)

        def undo() -> None:
            # Another program may have wrapped this wrapper since: then it stays and passes every call through.
            if vars(parent).get(name) is replacement:
                setattr(parent, name, original)

        self._undo.append(undo)

    def replace(self, owner: ModuleType | type, name: str, value: Any) -> None:
        """Set an attribute of the host until `uninstall`, which keeps a value that the host has set since."""
        missing = object()
        original = vars(owner).get(name, missing)
        setattr(owner, name, value)

        def undo() -> None:
            if vars(owner).get(name) is value:
                if original is missing:
                    delattr(owner, name)
                else:
                    setattr(owner, name, original)

        self._undo.append(undo)

    def hide_builtin(self, module: ModuleType, name: str, value: Any) -> None:
        """Have the code of a host module use `value` instead of the builtin with this name."""
        self.replace(module, name, value)

    def on_uninstall(self, undo: Callable[[], None]) -> None:
        """Register a callback for `uninstall`; the last registered runs first."""
        self._undo.append(undo)

    def uninstall(self) -> None:
        """Undo all changes to the host."""
        self.enabled = False
        self._deferred.discard()
        while self._undo:
            undo = self._undo.pop()
            try:
                undo()
            except Exception:
                log.exception("change of the host not undone")
