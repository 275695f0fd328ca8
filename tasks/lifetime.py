"""Starts the parts of the domain in the order of their creation, and closes them in the reverse order, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from ..db.deadline import Deadline

Closer = Callable[[Deadline], None]


class Lifetime:
    """Runs `starters` in their order, and `closers` in the reverse order. `closers` are those of the parts as created."""

    def __init__(self, starters: Sequence[Callable[[], None]], closers: Sequence[Closer]) -> None:
        self._starters = starters
        self._closers = closers
        self._lock = threading.Lock()
        self._is_closing = False
        self._closed = threading.Event()

    @property
    def is_closing(self) -> bool:
        """True once `close` was called."""
        return self._is_closing

    @property
    def is_closed(self) -> bool:
        """True once the first call of `close` has returned."""
        return self._closed.is_set()

    def start(self) -> None:
        """Start the parts."""
        for start in self._starters:
            start()

    def close(self, within_s: float | None = None) -> None:
        """Close the parts. Any thread. A second call waits until the first one is done.

        Args:
            within_s: seconds after which to return, finished or not. None waits for all parts.
        """
        deadline = Deadline(within_s)
        with self._lock:
            is_first, self._is_closing = not self._is_closing, True
        if not is_first:
            self._closed.wait(deadline.left())
            return
        try:
            with ExitStack() as stack:  # closes the others if one raises
                for close in self._closers:
                    stack.callback(close, deadline)
        finally:
            self._closed.set()
