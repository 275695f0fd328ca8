"""Subscriptions to the states of one download, for event streams: the newest unread state each."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator

from .receiving.records import DownloadRecord

HEARTBEAT_S = 15.0
"""Seconds without a state after which a subscriber gets None."""


class DownloadSubscription:
    """The states of one download. On the event loop of its stream, except where it says otherwise."""

    def __init__(self, loop: asyncio.AbstractEventLoop, download_id: str) -> None:
        self.download_id = download_id
        self._loop = loop
        self._newest: DownloadRecord | None = None
        self._arrived = asyncio.Event()
        self._ended = False
        self._beat = loop.call_later(HEARTBEAT_S, self._tick)
        self._watch: asyncio.TimerHandle | None = None

    def recheck(self, allowed: Callable[[], bool], interval_s: float) -> None:
        """Check `allowed` now and at an interval in seconds. If it returns False, discard the unread state and end."""
        if self._ended:
            return
        if allowed():
            self._watch = self._loop.call_later(interval_s, self.recheck, allowed, interval_s)
        else:
            self._newest = None
            self._end()

    def push(self, record: DownloadRecord) -> None:
        """Replace the unread state by a newer one. Any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, at a shutdown
            self._loop.call_soon_threadsafe(self._arrive, record)

    def end(self) -> None:
        """End the subscription after its unread state. Any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def close(self) -> None:
        """Stop the timers."""
        self._beat.cancel()
        if self._watch is not None:
            self._watch.cancel()

    async def __aiter__(self) -> AsyncIterator[DownloadRecord | None]:
        """Yield each new state, and None as a heartbeat, until Fooocus ends."""
        while True:
            if self._newest is not None:
                newest, self._newest = self._newest, None
                yield newest
                continue
            if self._ended:
                return
            self._arrived.clear()
            await self._arrived.wait()
            if self._newest is None and not self._ended:
                yield None

    def _arrive(self, record: DownloadRecord) -> None:
        if self._newest is None or record.version > self._newest.version:
            self._newest = record
        self._arrived.set()

    def _end(self) -> None:
        self._ended = True
        self._arrived.set()

    def _tick(self) -> None:
        self._arrived.set()
        self._beat = self._loop.call_later(HEARTBEAT_S, self._tick)


class DownloadWatchers:
    """The subscriptions to all downloads. Any thread."""

    def __init__(self) -> None:
        self._subscriptions: set[DownloadSubscription] = set()
        self._listeners: list[Callable[[DownloadRecord], None]] = []
        self._closed = False
        self._lock = threading.Lock()

    def listen(self, listener: Callable[[DownloadRecord], None]) -> None:
        """Call a function with each new state of any download, on the thread that changes it."""
        self._listeners.append(listener)

    def publish(self, record: DownloadRecord) -> None:
        """Deliver a new state."""
        for listener in self._listeners:
            listener(record)
        with self._lock:
            for subscription in self._subscriptions:
                if subscription.download_id == record.download_id:
                    subscription.push(record)

    @contextlib.contextmanager
    def subscribe(self, download_id: str) -> Iterator[DownloadSubscription]:
        """Yield a subscription for the running event loop."""
        subscription = DownloadSubscription(asyncio.get_running_loop(), download_id)
        with self._lock:
            self._subscriptions.add(subscription)
            if self._closed:
                subscription.end()
        try:
            yield subscription
        finally:
            subscription.close()
            with self._lock:
                self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all subscriptions, and those that are still to come."""
        with self._lock:
            self._closed = True
            for subscription in self._subscriptions:
                subscription.end()
