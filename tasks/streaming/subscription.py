"""One subscriber's updates: a bounded queue on the subscriber's event loop, in which newer progress supersedes older."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from itertools import islice

from ...images.preview import Encoding
from ..model.task import Task
from .notices import Notice, UnreadNotices
from .updates import Dropped, KeepAlive, Kind, Update

REPLAY_BUFFER_SIZE = 2000
"""Updates kept for replay, and updates buffered per subscriber, before the oldest are dropped."""
BURST = 4
"""Progress updates that a subscriber may leave unread before it gets only the newest."""
HEARTBEAT_S = 15.0
"""Seconds without an update after which a subscriber gets a heartbeat."""


class Subscription:
    """Updates for one subscriber: every change of state, and the newest unread progress and preview."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        encoding: Encoding | None,
        only_end: bool,
        source: str | None,
        begins_at: str,
        also: frozenset[str] = frozenset(),
    ) -> None:
        self.loop = loop
        self.encoding = encoding
        self.only_end = only_end
        self.source = source
        self.begins_at = begins_at
        """The id of the last update before the subscription."""
        self.also = also
        """The kinds of notices that the subscriber gets."""
        self._notices = UnreadNotices()
        self._unread: deque[Update] = deque()
        self._dropped: Dropped | None = None
        self._arrived = asyncio.Event()
        self._ended = False
        self._last_sign = loop.time()
        self._last_update = self._last_sign
        self.interval = math.inf
        """Seconds between the last two updates."""
        self._timer = loop.call_at(self._last_sign + HEARTBEAT_S, self._tick)
        self._watch: asyncio.TimerHandle | None = None

    def recheck(self, allowed: Callable[[], bool], interval_s: float) -> None:
        """Check `allowed` now and at an interval in seconds. If it returns False, discard unread updates and end."""
        if self._ended:
            return
        if allowed():
            self._watch = self.loop.call_later(interval_s, self.recheck, allowed, interval_s)
        else:
            self._unread.clear()
            self._notices.clear()
            self._dropped = None
            self.end()

    def catch_up(self, dropped: Dropped | None, updates: list[Update]) -> None:
        """Deliver the missed updates first."""
        self._dropped = dropped
        self._unread.extend(updates)
        if dropped or updates:
            self._arrived.set()

    def miss(self, dropped: Dropped) -> None:
        """Report lost notices, in one with lost updates."""
        self._dropped = self._dropped or dropped
        self._arrived.set()

    def notify(self, notice: Notice) -> None:
        """Add a notice. On the subscriber's event loop."""
        self._notices.add(notice)
        self._last_sign = self.loop.time()
        self._arrived.set()

    def backlog(self) -> list[Update | Dropped]:
        """Return the unread updates, after the dropped ones. On the subscriber's event loop."""
        return [*([self._dropped] if self._dropped else []), *self._unread]

    def push(self, update: Update) -> None:
        """Add an update. On the subscriber's event loop."""
        if update.kind == "progress" and self._is_lagging(update.task):
            while self._unread and self._is_superseded(self._unread[-1], update):
                self._unread.pop()
        if len(self._unread) >= REPLAY_BUFFER_SIZE:
            self._drop(self._unread.popleft())
        self._unread.append(update)
        if len(self._unread) > BURST:  # each update passes here once: a subscriber that never reads keeps few previews
            self._unread[-BURST - 1] = self._unread[-BURST - 1].without_picture()
        now = self.loop.time()
        self.interval, self._last_update = now - self._last_update, now
        self._last_sign = now
        self._arrived.set()

    def _drop(self, update: Update) -> None:
        before = Dropped(0, 0) if self._dropped is None else self._dropped
        self._dropped = Dropped(None if before.count is None else before.count + 1, update.number)

    def _is_superseded(self, unread: Update, newer: Update) -> bool:
        """Return whether `newer` supersedes an unread update: a slow subscriber gets the newest title and preview only."""
        if unread.kind != "progress" or unread.task.task_id != newer.task.task_id:
            return False
        return unread.preview is None or newer.preview is not None or self.encoding is None

    def has_final(self) -> bool:
        """Return whether a terminal update is unread."""
        return any(update.is_terminal for update in self._unread)

    def supersedes(self, update: Update, kinds: Collection[Kind]) -> bool:
        """Return whether unread updates supersede one of these kinds: a newer one or a terminal one, with a newer preview if
        `update` has a preview."""
        newer = [other for other in self._unread if other.kind in kinds or other.is_terminal]
        return bool(newer) and (update.preview is None or any(other.preview is not None for other in newer))

    def _is_lagging(self, task: Task) -> bool:
        """Return whether the last `BURST` unread updates are all progress of this task: the subscriber is slow."""
        last = list(islice(reversed(self._unread), BURST))
        return len(last) == BURST and all(
            update.kind == "progress" and update.task.task_id == task.task_id for update in last
        )

    def end(self) -> None:
        """End the subscription after its unread updates. On the subscriber's event loop."""
        self._ended = True
        self._arrived.set()

    def close(self) -> None:
        """Stop the timers."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def _tick(self) -> None:
        now = self.loop.time()
        if now >= self._last_sign + HEARTBEAT_S:
            self._last_sign = now
            self._arrived.set()
        self._timer = self.loop.call_at(self._last_sign + HEARTBEAT_S, self._tick)

    async def __aiter__(self) -> AsyncIterator[Update | Dropped | KeepAlive | Notice]:
        """Yield each `Update`, `Dropped`, `KeepAlive` and `Notice` until Fooocus ends."""
        last = int(self.begins_at.rpartition("-")[2])
        while True:
            while self._dropped is not None or self._unread or self._notices:
                if self._dropped is not None:  # dropped updates are older than all unread ones
                    dropped, self._dropped = self._dropped, None
                    yield dropped
                elif self._unread:
                    update = self._unread.popleft()
                    last = max(last, update.number)
                    yield update
                elif self._notices.take_dropped():
                    yield Dropped(None, last)
                else:
                    yield self._notices.take()
            if self._ended:
                return
            self._arrived.clear()
            await self._arrived.wait()
            if not self._ended and not self._unread and not self._notices and self._dropped is None:
                yield KeepAlive()

    async def updates(self) -> AsyncIterator[Update]:
        """Yield the updates of one task, up to its terminal one or to the shutdown of Fooocus."""
        async for item in self:
            if isinstance(item, Update):
                yield item
                if item.is_terminal:
                    return
