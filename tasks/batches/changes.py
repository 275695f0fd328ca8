"""Signals that a batch has changed, for event streams and for the thread that queues rows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class BatchWatch:
    """One stream's view of a batch: `changed` is set after each change, on the stream's event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.changed = asyncio.Event()
        self._loop = loop

    def signal(self) -> None:
        """Set `changed`. Any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self.changed.set)


class BatchChanges:
    """Watches of batches. Any thread."""

    def __init__(self) -> None:
        self._watches: dict[str, list[BatchWatch]] = {}
        self._listeners: list[Callable[[str | None], None]] = []
        self._lock = threading.Lock()
        self.is_closed = False
        """True once the streams are to end, as Fooocus shuts down."""

    def call(self, listener: Callable[[str | None], None]) -> None:
        """Call `listener` after each change from now on with the batch's id, and after the end of every other task with None.

        It must return at once.
        """
        self._listeners.append(listener)

    @contextmanager
    def watch(self, batch_id: str) -> Iterator[BatchWatch]:
        """Yield a watch of one batch. On an event loop."""
        watch = BatchWatch(asyncio.get_running_loop())
        with self._lock:
            self._watches.setdefault(batch_id, []).append(watch)
        try:
            yield watch
        finally:
            with self._lock:
                watches = self._watches[batch_id]
                watches.remove(watch)
                if not watches:
                    del self._watches[batch_id]

    def signal(self, batch_id: str | None = None) -> None:
        """Report a change of a batch, or the end of a task that belongs to none."""
        if batch_id is not None:
            self.show(batch_id)
        for listener in self._listeners:
            listener(batch_id)

    def show(self, batch_id: str) -> None:
        """Report a change of a batch to its streams alone."""
        with self._lock:
            watches = list(self._watches.get(batch_id, ()))
        for watch in watches:
            watch.signal()

    def close(self) -> None:
        """End all streams."""
        self.is_closed = True
        with self._lock:
            watches = [watch for of_batch in self._watches.values() for watch in of_batch]
        for watch in watches:
            watch.signal()
