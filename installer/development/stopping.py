"""The end of a command that runs until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

POLL_INTERVAL_S = 0.3
"""Seconds between two looks: on Windows, Ctrl-C takes effect only after a wait."""


class UntilInterrupted:
    """A `with` block that Ctrl-C and SIGTERM end without an exception."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, _interrupt)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        signal.signal(signal.SIGTERM, self._before)
        if kind is KeyboardInterrupt:
            print("\nstopping")
        return kind is KeyboardInterrupt


def wait_while(is_running: Callable[[], bool]) -> None:
    """Wait until something runs no more, or for Ctrl-C."""
    pause = threading.Event()
    while is_running():
        pause.wait(POLL_INTERVAL_S)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
