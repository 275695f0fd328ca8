"""Shutdown by the console window: the window's X, and Ctrl-Break. Windows only.

Windows calls a handler on a separate thread and ends the process when the handler returns, after five seconds at the latest.
No `atexit` and no `finally` runs.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable
from typing import Any

from ..patching.hooks import Patches

log = logging.getLogger("fooocus_api")

CTRL_BREAK_EVENT = 1
CTRL_CLOSE_EVENT = 2
WITHIN_S = 4.0
"""Longest run of the handler; Windows ends the process after five seconds."""


class ConsoleClose:
    """Handler of the console's events.

    Args:
        leave: ends the streams and answers the waiting requests.
        close: requeues running tasks and writes pending changes, within the given seconds.
    """

    def __init__(self, leave: Callable[[], None], close: Callable[[float], None]) -> None:
        self._leave = leave
        self._close = close
        self._callback: Any = None

    def install(self, patches: Patches) -> None:
        """Register the handler with Windows; it runs before those registered earlier. Log a failure.

        Call it after torch is imported: the Intel Fortran runtime that MKL brings ends the process in its own handler.
        """
        if sys.platform == "win32":
            try:
                self._register(patches)
            except Exception:
                log.exception(
                    "console handler not registered; closing the window will count as a crash of the running task"
                )

    def on_event(self, event: int) -> bool:
        """End the streams, requeue running tasks and close. Return False, so that Windows ends the process.

        Python handles Ctrl-C (0). Log-off (5) and shutdown (6) never arrive: Windows sends them only to services once a process
        has loaded user32.dll, as Python does (bpo-41298). A task running then counts as interrupted by a crash.
        """
        if event in (CTRL_CLOSE_EVENT, CTRL_BREAK_EVENT):
            for step in (self._leave, lambda: self._close(WITHIN_S)):
                try:
                    step()
                except BaseException:  # ctypes would print it and continue
                    log.exception("shutdown step failed after the console was closed")
        return False

    def _register(self, patches: Patches) -> None:
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

            patches.on_uninstall(forget)
            atexit.register(forget)  # after the service is closed: a callback can't run while Python is being finalized
