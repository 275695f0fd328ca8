"""The end by SIGTERM, as `docker stop` and systemd send it: in the order of a Ctrl-C, and with the exit status 143."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from types import FrameType

from .hooks import Hooks

STATUS = 128 + 15
PATIENCE_SECONDS = 4.0
"""Between two signals to the main thread: more than it takes to close what is open, less than `docker stop` waits for."""


class Termination:
    """The handler of SIGTERM. Python runs it on the main thread, whatever that is doing.

    Before the API is served the process ends at once: nothing has been accepted. From then on the main thread does nothing but
    wait for a Ctrl-C, and gets what a Ctrl-C raises; a second signal changes nothing, as what is under way is being written.
    """

    def __init__(self) -> None:
        self.requested = False
        self._serving = False
        self._insisting = False
        self._leaving = threading.Event()
        self._process = os.getpid()

    def install(self, hooks: Hooks) -> None:
        """Take the signal, unless another handler has it, or it can't be taken here."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
        signal.signal(signal.SIGTERM, self._received)
        hooks.on_uninstall(self._restore)

    def begin_serving(self) -> None:
        """Note that the main thread waits for a Ctrl-C from now on."""
        if not self._serving:
            atexit.register(self._leaving.set)
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
            threading.Thread(target=self._insist, name="fooocus-api-termination", daemon=True).start()
            raise KeyboardInterrupt
        elif self._insisting:
            self._insisting = False
            raise KeyboardInterrupt

    def _insist(self) -> None:
        """Signal again until the process leaves: an exception that a handler raises is lost where it meets a destructor."""
        main = threading.main_thread().ident
        while not self._leaving.wait(PATIENCE_SECONDS) and main is not None:
            self._insisting = True
            signal.pthread_kill(main, signal.SIGTERM)

    def _restore(self) -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == self._received:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
