"""From one thread to every listener on every event loop: each update once to a loop, and there to each who listens."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import replace
from itertools import islice

from .forecast import NOTHING, Outlook
from .preview import Encoding, PreviewImage
from .task import Image, Task, now_ms
from .updates import Dropped, Heartbeat, Kind, Update

KEPT = 2000
"""Updates that are kept for those who come back, and those that a listener may leave unread, before the oldest go."""
BURST = 4
"""Steps that a listener may leave unread before it gets the newest only."""
HEARTBEAT = 15.0
"""Seconds of silence after which a listener is told that it still listens."""

ALL = None
"""Instead of a task's id: every task."""


class Broadcast:
    """Hands updates out and keeps the last ones. Listeners never slow whoever publishes, nor each other."""

    def __init__(self) -> None:
        self.epoch = f"{now_ms():x}"
        """Names this process, so that nobody takes another one's numbers for its own."""
        self.delivered = 0
        self._closed = False
        self._number = 0
        self._kept: deque[Update] = deque(maxlen=KEPT)
        self._listeners: dict[str | None, set[Subscription]] = defaultdict(set)
        self._lock = threading.Lock()

    def publish(
        self,
        kind: Kind,
        task: Task,
        preview: PreviewImage | None = None,
        image: Image | None = None,
        outlook: Outlook = NOTHING,
    ) -> None:
        """Tell everyone. From any thread but an event loop's: a preview is encoded here, in each form somebody wants."""
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
            with contextlib.suppress(RuntimeError):  # a loop that is closed has no listeners left
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
        """Listen to one task or to all, from the running event loop, until the `with` block ends.

        Args:
            source: be told of tasks from there alone; None for all.
            only_end: be told of ends alone.
            encoding: how previews are wanted; they are not encoded for those who don't want any.
            after: the id of the last update that was read (`update_id`): what came since is told first, and whether some of
                it is gone.
        """
        subscription = Subscription(asyncio.get_running_loop(), encoding, only_end, source)
        with self._lock:
            subscription.begins_at = f"{self.epoch}-{self._number}"
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
        """Fooocus ends: let every listener go. Who comes later is let go at once."""
        with self._lock:
            self._closed = True
            listeners = [listener for group in self._listeners.values() for listener in group]
        for listener in listeners:
            with contextlib.suppress(RuntimeError):
                listener.loop.call_soon_threadsafe(listener.end)

    def update_id(self, update: Update | Dropped) -> str:
        """What a listener names to go on from an update, or from where some are gone."""
        return f"{self.epoch}-{update.number}"

    def is_end(self, update_id: str, task_id: str) -> bool:
        """Whether that is the last update of a task, or a later one, as far as is still known."""
        epoch, _, number = update_id.rpartition("-")
        with self._lock:
            end = next((update for update in self._kept if update.is_terminal and update.task.task_id == task_id), None)
        return epoch == self.epoch and number.isdigit() and end is not None and int(number) >= end.number

    def is_followed(self, task_id: str) -> bool:
        """Whether somebody is told of a task's course: who listens to it, or to all."""
        with self._lock:
            listeners = [*self._listeners.get(task_id, ()), *self._listeners.get(ALL, ())]
        return not all(listener.only_end for listener in listeners)

    def listened_to(self) -> set[str]:
        """The tasks whose course somebody follows."""
        with self._lock:
            return {
                task_id
                for task_id, listeners in self._listeners.items()
                if task_id is not ALL and not all(listener.only_end for listener in listeners)
            }

    def listeners(self) -> int:
        """How many listen now."""
        with self._lock:
            return sum(len(listeners) for listeners in self._listeners.values())

    def _missed(self, task_id: str | None, source: str | None, after: str) -> tuple[Dropped | None, list[Update]]:
        """What has been told since, and what of it is not there any more."""
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
    """One listener's view: every change of state, and of progress and previews the newest it has not read yet."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, encoding: Encoding | None, only_end: bool, source: str | None
    ) -> None:
        self.loop = loop
        self.encoding = encoding
        self.only_end = only_end
        self.source = source
        self.begins_at = ""
        """The id of the last update before it began."""
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
        """Ask every so many seconds whether the listener may go on; end at once when it may not, and forget what is unread."""
        if self._ended:
            return
        if allowed():
            self._watch = self.loop.call_later(every, self.while_true, allowed, every)
        else:
            self._unread.clear()
            self._dropped = None
            self.end()

    def catch_up(self, dropped: Dropped | None, updates: list[Update]) -> None:
        """Begin with what was missed."""
        self._dropped = dropped
        self._unread.extend(updates)
        if dropped or updates:
            self._arrived.set()

    def push(self, update: Update) -> None:
        """Hand over an update, on the listener's loop."""
        if update.kind == "progress" and self._is_behind(update.task):
            while self._unread and self._is_outdone(self._unread[-1], update):
                self._unread.pop()
        if len(self._unread) >= KEPT:
            self._drop(self._unread.popleft())
        self._unread.append(update)
        if len(self._unread) > BURST:  # each comes by here once: who never reads holds no pictures of all tasks since
            self._unread[-BURST - 1] = self._unread[-BURST - 1].without_picture()
        now = self.loop.time()
        self.interval, self._told = now - self._told, now
        self._heard = now
        self._arrived.set()

    def _drop(self, update: Update) -> None:
        before = Dropped(0, 0) if self._dropped is None else self._dropped
        self._dropped = Dropped(None if before.count is None else before.count + 1, update.number)

    def _is_outdone(self, unread: Update, newer: Update) -> bool:
        """Whether a slow reader can do without an update: it gets the newest words and the newest picture, not all of them."""
        if unread.kind != "progress" or unread.task.task_id != newer.task.task_id:
            return False
        return unread.preview is None or newer.preview is not None or self.encoding is None

    def has_end(self) -> bool:
        """Whether the end of a task is among what is unread."""
        return any(update.is_terminal for update in self._unread)

    def outdates(self, update: Update, kinds: Collection[Kind]) -> bool:
        """Return whether what is unread makes an update of one of these kinds needless: newer words or the end, and a newer
        picture if it has one."""
        newer = [other for other in self._unread if other.kind in kinds or other.is_terminal]
        return bool(newer) and (update.preview is None or any(other.preview is not None for other in newer))

    def _is_behind(self, task: Task) -> bool:
        """Whether so much of a task's progress is unread that it can't be for a moment only."""
        last = list(islice(reversed(self._unread), BURST))
        return len(last) == BURST and all(
            update.kind == "progress" and update.task.task_id == task.task_id for update in last
        )

    def end(self) -> None:
        """Nothing more will come. On the listener's loop."""
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
        """Updates as they come, until Fooocus ends."""
        while True:
            while self._dropped is not None or self._unread:
                if self._dropped is not None:  # it is older than all that is unread
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
        """Updates alone, the terminal one last unless Fooocus ends before: for who listens to one task."""
        async for item in self:
            if isinstance(item, Update):
                yield item
                if item.is_terminal:
                    return


def _deliver(listeners: list[Subscription], update: Update) -> None:
    for listener in listeners:
        listener.push(update)
