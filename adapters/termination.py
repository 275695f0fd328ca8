"""The end by SIGTERM, as `docker stop` and systemd send it: in the order of a Ctrl-C, and with the exit status 143."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from .hooks import Hooks

STATUS = 128 + 15


class Termination:
    """The handler of SIGTERM. Python runs it on the main thread, whatever that is doing.

    Before the API is served the process ends at once: nothing has been accepted. From then on the main thread does nothing but
    wait for a Ctrl-C, and gets what a Ctrl-C raises; a second signal changes nothing, as what is under way is being written.
    """

    def __init__(self) -> None:
        self.requested = False
        self._serving = False
        self._process = os.getpid()

    def install(self, hooks: Hooks) -> None:
        """Take the signal, unless somebody else has, or it can't be taken here."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
        signal.signal(signal.SIGTERM, self._received)
        hooks.on_uninstall(self._restore)

    def begin_serving(self) -> None:
        """Note that the main thread waits for a Ctrl-C from now on."""
        self._serving = True

    def request(self) -> None:
        """Note a signal that a server on the main thread has taken."""
        self.requested = True

    def leave_if_requested(self) -> None:
        """End the process in the usual way, with its status, once the server has ended by the signal.

        Raises:
            SystemExit: it has.
        """
        if self.requested:
            raise SystemExit(STATUS)

    def _received(self, _signal: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a child that was forked
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)
        elif not self._serving:
            self.requested = True
            raise SystemExit(STATUS)
        elif not self.requested:
            self.requested = True
            raise KeyboardInterrupt

    def _restore(self) -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == self._received:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
