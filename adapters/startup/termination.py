"""Shutdown by SIGTERM, as `docker stop` and systemd send it: in the same order as Ctrl-C, with exit status 143."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..patching.hooks import Patches

STATUS = 128 + 15
REPEAT_S = 4.0
"""Seconds between two signals to the main thread: longer than closing takes, shorter than `docker stop` waits."""


class Termination:
    """Handler of SIGTERM. Python runs it on the main thread, interrupting any code there.

    Before the API is served the process ends at once, whichever import the signal interrupts: no task has been accepted.
    Afterwards the main thread only waits for Ctrl-C, and gets a KeyboardInterrupt; a second signal is ignored, because pending
    changes are being written. A node of a cluster first finishes its task: the signal that ends it is then the second one, of a
    user or of the node itself.
    """

    def __init__(self) -> None:
        self.requested = False
        self._serving = False
        self._is_repeating = False
        self._drain: Callable[[Callable[[], None]], bool] = lambda _: False
        self._is_draining = False
        self._exiting = threading.Event()
        self._process = os.getpid()

    def install(self, patches: Patches) -> None:
        """Install the handler, unless another handler has the signal or it can't be handled here."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
        signal.signal(signal.SIGTERM, self._received)
        patches.wrap(sys, "excepthook", self._uncaught)
        patches.on_uninstall(self._restore)

    def drain_by(self, drain: Callable[[Callable[[], None]], bool]) -> None:
        """Have `drain` called at the first signal while the API is served. It returns at once, False if nothing is to be waited
        for; else it calls its argument, from any thread, once the process can end."""
        self._drain = drain

    def begins_to_drain(self) -> bool:
        """Return whether this signal begins a wait for the running task, instead of the end."""
        if not self._is_draining and self._drain(lambda: os.kill(os.getpid(), signal.SIGTERM)):
            self._is_draining = True
            return True
        return False

    def begin_serving(self) -> None:
        """Record that from now on the main thread only waits for Ctrl-C."""
        if not self._serving:
            atexit.register(self._exiting.set)
        self._serving = True

    def request(self) -> None:
        """Record a signal that a server on the main thread has received."""
        self.requested = True

    def exit_if_requested(self) -> None:
        """End the process with the signal's exit status if the server was ended by the signal.

        Raises:
            SystemExit: it was.
        """
        if self.requested:
            raise SystemExit(STATUS)

    def _received(self, _signal: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked child
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)
        elif not self._serving:
            self._end_start()
        elif not self.requested:
            if self.begins_to_drain():
                return
            self.requested = True
            self._repeat_until_exit()
            raise KeyboardInterrupt
        elif self._is_repeating:
            self._is_repeating = False
            raise KeyboardInterrupt

    def _end_start(self) -> None:
        """Exit from the code that the signal interrupts: libraries discard or wrap exceptions that their imports raise."""
        if self.requested:
            os._exit(STATUS)
        self.requested = True
        self._repeat_until_exit()
        raise SystemExit(STATUS)

    def _uncaught(self, wrapped: Callable[..., None], _: Any, arguments: tuple[Any, ...], __: dict[str, Any]) -> None:
        """Exit without a traceback if the exception is one that a library made of the exit."""
        if self.requested and not self._serving:
            os._exit(STATUS)
        wrapped(*arguments)

    def _repeat_until_exit(self) -> None:
        threading.Thread(target=self._repeat_signal, name="fooocus-api-termination", daemon=True).start()

    def _repeat_signal(self) -> None:
        """Repeat the signal until the process exits: Python discards an exception that a handler raises inside a destructor."""
        main = threading.main_thread().ident
        while not self._exiting.wait(REPEAT_S) and main is not None:
            self._is_repeating = True
            signal.pthread_kill(main, signal.SIGTERM)

    def _restore(self) -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == self._received:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
