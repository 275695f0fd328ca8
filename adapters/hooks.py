"""Post-import hooks on host modules, and wrappers around host functions: reversible, idempotent, never raising into the host."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt

from .half_imported import PendingPatch, UntilWhole, is_half_imported

log = logging.getLogger("fooocus_api.hooks")

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class Hooks:
    """All that we changed in the host, so that it can be undone.

    A patch runs once per module, right after the module is imported (at once when it is there already). What it raises is
    logged and kept in `problems`; the host goes on as if we were not there.
    """

    def __init__(self) -> None:
        self.enabled = True
        self.problems: dict[str, str] = {}
        self._undo: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._until_whole = UntilWhole()
        self._waiting: set[str] = set()
        self._patched: set[str] = set()

    def when_imported(self, module_name: str, patch: Callable[[ModuleType], None]) -> None:
        """Run `patch` on a host module as soon as the host imports it."""

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
                    "a module could not be patched; Fooocus goes on without it", extra={"patched": module_name}
                )

        self._waiting.add(module_name)
        if is_half_imported(module_name):  # wrapt takes it for whole and would patch names that are still to come
            self._until_whole.append(PendingPatch(module_name, run))
        else:
            wrapt.register_post_import_hook(run, module_name)

    def settle(self) -> None:
        """Run the patches of modules that were half imported and are whole now."""
        self._until_whole.settle()

    def report(self) -> dict[str, str]:
        """Host module → `patched`, `waiting` for its import, or what went wrong."""
        return {
            name: self.problems.get(name) or ("patched" if name in self._patched else "waiting")
            for name in sorted(self._waiting)
        }

    def wrap(self, owner: ModuleType | type, path: str, wrapper: Wrapper) -> None:
        """Put `wrapper(wrapped, instance, args, kwargs)` around a function or method; off once the hooks are disabled."""
        parent, name, original = wrapt.resolve_path(owner, path)
        replacement = wrapt.FunctionWrapper(original, wrapper, enabled=lambda: self.enabled)
        wrapt.apply_patch(parent, name, replacement)

        def undo() -> None:
            # Someone may have wrapped our wrapper since: then it stays, passing everything through.
            if vars(parent).get(name) is replacement:
                setattr(parent, name, original)

        self._undo.append(undo)

    def replace(self, owner: ModuleType | type, name: str, value: Any) -> None:
        """Set an attribute of the host until `uninstall`, which leaves it when the host has set it again."""
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

    def on_uninstall(self, undo: Callable[[], None]) -> None:
        """Run this when everything is undone; last registered, first run."""
        self._undo.append(undo)

    def uninstall(self) -> None:
        """Give the host back what it had."""
        self.enabled = False
        self._until_whole.leave()
        while self._undo:
            undo = self._undo.pop()
            try:
                undo()
            except Exception:
                log.exception("a change could not be undone")


def host_module(name: str) -> ModuleType | None:
    """A module of the host if it has been imported, however far."""
    return sys.modules.get(name)
