"""Publishes updates to the subscribers on all event loops: one call per loop, which delivers to each subscriber there."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import replace
from itertools import islice

from ...images.preview import Encoding, PreviewImage
from ..model.outlook import NO_OUTLOOK, Outlook
from ..model.task import Image, Task, now_ms
from .updates import Dropped, Heartbeat, Kind, Update

REPLAY_BUFFER_SIZE = 2000
"""Updates kept for replay, and updates buffered per subscriber, before the oldest are dropped."""
BURST = 4
"""Progress updates that a subscriber may leave unread before it gets only the newest."""
HEARTBEAT = 15.0
"""Seconds without an update after which a subscriber gets a heartbeat."""

ALL = None
"""Stands for every task in place of a task's id."""


class Broadcaster:
    """Publishes updates and keeps the last ones for replay. Subscribers slow neither the publisher nor each other."""

    def __init__(self) -> None:
        self.epoch = f"{now_ms():x}"
        """Identifies this process, so that an update id of another one is not mistaken for its own."""
        self.delivered = 0
        self._closed = False
        self._number = 0
        self._kept: deque[Update] = deque(maxlen=REPLAY_BUFFER_SIZE)
        self._listeners: dict[str | None, set[Subscription]] = defaultdict(set)
        self._lock = threading.Lock()

    def publish(
        self,
        kind: Kind,
        task: Task,
        preview: PreviewImage | None = None,
        image: Image | None = None,
        outlook: Outlook = NO_OUTLOOK,
    ) -> None:
        """Publish an update to its subscribers. Not on an event loop: it encodes the preview in each requested encoding."""
        task = replace(task)
        with self._lock:
            self._number += 1
            update = Update(self._number, kind, task, preview, image, outlook)
            self._kept.append(update.without_picture())
            listeners = [*self._listeners.get(task.task_id, ()), *self._listeners.get(ALL, ())]
            listeners = [listener for listener in listeners if listener.source in (None, task.source)]
            if not update.is_terminal:
                listeners = [listener for listener in listeners if not listener.only_end]
        if not listeners:
            return
        if preview is not None:
            for encoding in {listener.encoding for listener in listeners if listener.encoding is not None}:
                preview.base64(encoding)
        self.delivered += len(listeners)
        by_loop: dict[asyncio.AbstractEventLoop, list[Subscription]] = defaultdict(list)
        for listener in listeners:
            by_loop[listener.loop].append(listener)
        for loop, there in by_loop.items():
            with contextlib.suppress(RuntimeError):  # a closed loop has no subscribers left
                loop.call_soon_threadsafe(_deliver, there, update)

    @contextlib.contextmanager
    def subscribe(
        self,
        task_id: str | None = ALL,
        *,
        source: str | None = None,
        encoding: Encoding | None = None,
        after: str | None = None,
        only_end: bool = False,
    ) -> Iterator[Subscription]:
        """Subscribe to one task or to all, on the running event loop, until the `with` block ends.

        Args:
            source: deliver updates of this source's tasks only; None for all.
            only_end: deliver terminal updates only.
            encoding: the encoding of previews; None for a subscriber without previews.
            after: the id of the last update read (`update_id`): later ones are replayed first, after a `Dropped` if the
                replay buffer has lost some.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            subscription = Subscription(loop, encoding, only_end, source, f"{self.epoch}-{self._number}")
            if after is not None:
                subscription.catch_up(*self._missed(task_id, source, after))
            self._listeners[task_id].add(subscription)
            if self._closed:
                subscription.end()
        try:
            yield subscription
        finally:
            subscription.close()
            with self._lock:
                self._listeners[task_id].discard(subscription)
                if not self._listeners[task_id]:
                    del self._listeners[task_id]

    def close(self) -> None:
        """End all subscriptions for the shutdown of Fooocus. Later ones end at once."""
        with self._lock:
            self._closed = True
            listeners = [listener for group in self._listeners.values() for listener in group]
        for listener in listeners:
            with contextlib.suppress(RuntimeError):
                listener.loop.call_soon_threadsafe(listener.end)

    def update_id(self, update: Update | Dropped) -> str:
        """Return the id with which a subscriber can resume after an update, or after dropped ones."""
        return f"{self.epoch}-{update.number}"

    def is_end(self, update_id: str, task_id: str) -> bool:
        """Return whether an id is that of a task's terminal update or of a later one. False if the replay buffer has lost it."""
        epoch, _, number = update_id.rpartition("-")
        with self._lock:
            end = next((update for update in self._kept if update.is_terminal and update.task.task_id == task_id), None)
        return epoch == self.epoch and number.isdigit() and end is not None and int(number) >= end.number

    def is_followed(self, task_id: str) -> bool:
        """Return whether a task's progress has a subscriber: to this task, or to all."""
        with self._lock:
            listeners = [*self._listeners.get(task_id, ()), *self._listeners.get(ALL, ())]
        return not all(listener.only_end for listener in listeners)

    def listened_to(self) -> set[str]:
        """Return the ids of tasks whose progress has a subscriber of its own."""
        with self._lock:
            return {
                task_id
                for task_id, listeners in self._listeners.items()
                if task_id is not ALL and not all(listener.only_end for listener in listeners)
            }

    def listeners(self) -> int:
        """Return the number of subscribers."""
        with self._lock:
            return sum(len(listeners) for listeners in self._listeners.values())

    def _missed(self, task_id: str | None, source: str | None, after: str) -> tuple[Dropped | None, list[Update]]:
        """Return the updates since `after` in the replay buffer, and the lost ones as a `Dropped`."""
        epoch, _, text = after.rpartition("-")
        if epoch != self.epoch or not text.isdigit():
            return Dropped(None, self._number), []
        last = int(text)
        kept = [update for update in self._kept if update.number > last]
        oldest = self._kept[0].number if self._kept else self._number + 1
        lost = max(0, oldest - last - 1)
        ours = [
            update for update in kept if task_id in (ALL, update.task.task_id) and source in (None, update.task.source)
        ]
        all_are_ours = task_id is ALL and source is None
        return (Dropped(lost if all_are_ours else None, oldest - 1) if lost else None), ours


class Subscription:
    """Updates for one subscriber: every change of state, and the newest unread progress and preview."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        encoding: Encoding | None,
        only_end: bool,
        source: str | None,
        begins_at: str,
    ) -> None:
        self.loop = loop
        self.encoding = encoding
        self.only_end = only_end
        self.source = source
        self.begins_at = begins_at
        """The id of the last update before the subscription."""
        self._unread: deque[Update] = deque()
        self._dropped: Dropped | None = None
        self._arrived = asyncio.Event()
        self._ended = False
        self._heard = loop.time()
        self._told = self._heard
        self.interval = math.inf
        """Seconds between the last two updates."""
        self._timer = loop.call_at(self._heard + HEARTBEAT, self._tick)
        self._watch: asyncio.TimerHandle | None = None

    def while_true(self, allowed: Callable[[], bool], every: float) -> None:
        """Check `allowed` now and at an interval in seconds. If it returns False, discard unread updates and end."""
        if self._ended:
            return
        if allowed():
            self._watch = self.loop.call_later(every, self.while_true, allowed, every)
        else:
            self._unread.clear()
            self._dropped = None
            self.end()

    def catch_up(self, dropped: Dropped | None, updates: list[Update]) -> None:
        """Deliver the missed updates first."""
        self._dropped = dropped
        self._unread.extend(updates)
        if dropped or updates:
            self._arrived.set()

    def push(self, update: Update) -> None:
        """Add an update. On the subscriber's event loop."""
        if update.kind == "progress" and self._is_behind(update.task):
            while self._unread and self._is_outdone(self._unread[-1], update):
                self._unread.pop()
        if len(self._unread) >= REPLAY_BUFFER_SIZE:
            self._drop(self._unread.popleft())
        self._unread.append(update)
        if len(self._unread) > BURST:  # each update passes here once: a subscriber that never reads keeps few previews
            self._unread[-BURST - 1] = self._unread[-BURST - 1].without_picture()
        now = self.loop.time()
        self.interval, self._told = now - self._told, now
        self._heard = now
        self._arrived.set()

    def _drop(self, update: Update) -> None:
        before = Dropped(0, 0) if self._dropped is None else self._dropped
        self._dropped = Dropped(None if before.count is None else before.count + 1, update.number)

    def _is_outdone(self, unread: Update, newer: Update) -> bool:
        """Return whether `newer` supersedes an unread update: a slow subscriber gets the newest title and preview only."""
        if unread.kind != "progress" or unread.task.task_id != newer.task.task_id:
            return False
        return unread.preview is None or newer.preview is not None or self.encoding is None

    def has_end(self) -> bool:
        """Return whether a terminal update is unread."""
        return any(update.is_terminal for update in self._unread)

    def outdates(self, update: Update, kinds: Collection[Kind]) -> bool:
        """Return whether unread updates supersede one of these kinds: a newer one or a terminal one, with a newer preview if
        `update` has a preview."""
        newer = [other for other in self._unread if other.kind in kinds or other.is_terminal]
        return bool(newer) and (update.preview is None or any(other.preview is not None for other in newer))

    def _is_behind(self, task: Task) -> bool:
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
        if now >= self._heard + HEARTBEAT:
            self._heard = now
            self._arrived.set()
        self._timer = self.loop.call_at(self._heard + HEARTBEAT, self._tick)

    async def __aiter__(self) -> AsyncIterator[Update | Dropped | Heartbeat]:
        """Yield each `Update`, `Dropped` and `Heartbeat` until Fooocus ends."""
        while True:
            while self._dropped is not None or self._unread:
                if self._dropped is not None:  # dropped updates are older than all unread ones
                    dropped, self._dropped = self._dropped, None
                    yield dropped
                else:
                    yield self._unread.popleft()
            if self._ended:
                return
            self._arrived.clear()
            await self._arrived.wait()
            if not self._ended and not self._unread and self._dropped is None:
                yield Heartbeat()

    async def updates(self) -> AsyncIterator[Update]:
        """Yield the updates of one task, up to its terminal one or to the shutdown of Fooocus."""
        async for item in self:
            if isinstance(item, Update):
                yield item
                if item.is_terminal:
                    return


def _deliver(listeners: list[Subscription], update: Update) -> None:
    for listener in listeners:
        listener.push(update)
