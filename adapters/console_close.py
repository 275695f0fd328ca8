"""The end of Fooocus by its console window: the window's X, and Ctrl-Break. Windows only.

Windows calls a handler on a thread of its own and ends the process when that returns, after five seconds at the latest. No
`atexit` and no `finally` run.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable
from typing import Any

from .hooks import Hooks

log = logging.getLogger("fooocus_api")

CTRL_BREAK_EVENT = 1
CTRL_CLOSE_EVENT = 2
WITHIN_SECONDS = 4.0
"""Longest run of the handler; Windows ends the process after five seconds."""


class ConsoleClose:
    """The handler of the console's events.

    Args:
        leave: ends the streams and answers the waiting requests.
        close: puts running tasks back and writes pending changes, within the given seconds.
    """

    def __init__(self, leave: Callable[[], None], close: Callable[[float], None]) -> None:
        self._leave = leave
        self._close = close
        self._callback: Any = None

    def install(self, hooks: Hooks) -> None:
        """Register the handler with Windows, before those that are registered already. A failure is logged.

        Call it once torch is imported: the runtime of Intel's Fortran that comes with MKL ends the process in its own handler.
        """
        if sys.platform == "win32":
            try:
                self._register(hooks)
            except Exception:
                log.exception(
                    "the console's handler could not be registered; closing the window counts as a crash of the running task"
                )

    def on_event(self, event: int) -> bool:
        """Let waiters go, put running tasks back, and close; return False, so that Windows ends the process.

        Ctrl-C (0) is Python's. A log-off (5) and a shutdown (6) never come here: Windows sends them to services only once a
        process has loaded user32.dll, as Python does (bpo-41298). Then a running task counts as caught by a crash.
        """
        if event in (CTRL_CLOSE_EVENT, CTRL_BREAK_EVENT):
            for step in (self._leave, lambda: self._close(WITHIN_SECONDS)):
                try:
                    step()
                except BaseException:  # ctypes would print it and call on
                    log.exception("a step of the shutdown by the console failed")
        return False

    def _register(self, hooks: Hooks) -> None:
        if sys.platform == "win32":
            import ctypes
            from ctypes import wintypes

            kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
            kind = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
            kernel32.SetConsoleCtrlHandler.argtypes = (kind, wintypes.BOOL)
            kernel32.SetConsoleCtrlHandler.restype = wintypes.BOOL
            self._callback = callback = kind(self.on_event)  # kept: Windows holds no reference
            if not kernel32.SetConsoleCtrlHandler(callback, True):
                raise ctypes.WinError(ctypes.get_last_error())

            def forget() -> None:
                kernel32.SetConsoleCtrlHandler(callback, False)

            hooks.on_uninstall(forget)
            atexit.register(forget)  # after the service is closed: a Python that is being taken down can't be called
