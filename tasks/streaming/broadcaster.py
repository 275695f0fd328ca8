"""Publishes updates to the subscribers on all event loops: one call per loop, which delivers to each subscriber there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

from ...images.preview import Encoding, PreviewImage
from ..model.outlook import NO_OUTLOOK, Outlook
from ..model.task import Image, Task, now_ms
from .notices import KeptNotices, Notice, NoticeKind
from .subscription import REPLAY_BUFFER_SIZE, Subscription
from .updates import Dropped, Kind, Update

MAX_DIGITS = 19
"""Digits of an update's number are fewer."""
ALL = None
"""Stands for every task in place of a task's id."""


class Broadcaster:
    """Publishes updates and keeps the last ones for replay. Subscribers slow neither the publisher nor each other."""

    def __init__(self) -> None:
        self.stream_id = f"{now_ms():x}"
        """Identifies this process, so that an update id of another one is not mistaken for its own."""
        self.delivered = 0
        self._closed = False
        self._number = 0
        self._kept: deque[Update] = deque(maxlen=REPLAY_BUFFER_SIZE)
        self._notices = KeptNotices()
        self._subscriptions: dict[str | None, set[Subscription]] = defaultdict(set)
        self._lock = threading.Lock()
        self._on_change: Callable[[], None] = lambda: None
        self._on_interest: Callable[[str], bool] = lambda _: False

    def call_on_change(self, changed: Callable[[], None], interest: Callable[[str], bool]) -> None:
        """Call `changed` after each change of the subscriptions, and `interest` for each request for the progress of a running
        task, on any thread. They must not wait. `interest` returns whether another process has the task."""
        self._on_change, self._on_interest = changed, interest

    def note_interest(self, task_id: str) -> bool:
        """Note that a client has asked for the progress of a running task. Return whether another process has it."""
        return self._on_interest(task_id)

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
            subscriptions = [*self._subscriptions.get(task.task_id, ()), *self._subscriptions.get(ALL, ())]
            subscriptions = [
                subscription for subscription in subscriptions if subscription.source in (None, task.source)
            ]
            if not update.is_terminal:
                subscriptions = [subscription for subscription in subscriptions if not subscription.only_end]
        if not subscriptions:
            return
        if preview is not None:
            for encoding in {
                subscription.encoding for subscription in subscriptions if subscription.encoding is not None
            }:
                preview.base64(encoding)
        self.delivered += len(subscriptions)
        for loop, group in _by_loop(subscriptions).items():
            with contextlib.suppress(RuntimeError):  # a closed loop has no subscribers left
                loop.call_soon_threadsafe(_deliver, group, update)

    def announce(self, kind: NoticeKind, content: Any, *, source: str | None = None, key: Hashable = None) -> None:
        """Publish a notice to the subscribers that want its kind and may see the tasks of this source; None for all of them."""
        with self._lock:
            notice = Notice(kind, content, source, key, self._number)
            self._notices.add(notice)
            found = [one for one in self._wanting(kind) if source is None or one.source in (None, source)]
        self._notify(found, notice)

    def announce_to(self, only: str | None, kind: NoticeKind, content: Any) -> None:
        """Publish a state as the subscribers that may see only this source see it; None for those that may see all."""
        with self._lock:
            notice = Notice(kind, content, only, after=self._number)
            found = [one for one in self._wanting(kind) if one.source == only]
        self._notify(found, notice)

    def views(self, kind: NoticeKind) -> set[str | None]:
        """Return the sources to which the subscribers that want this kind are restricted, None for those that see all."""
        with self._lock:
            return {subscription.source for subscription in self._wanting(kind)}

    def _wanting(self, kind: NoticeKind) -> list[Subscription]:
        return [one for one in self._subscriptions.get(ALL, ()) if kind in one.also]

    def _notify(self, subscriptions: list[Subscription], notice: Notice) -> None:
        for loop, group in _by_loop(subscriptions).items():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_deliver_notice, group, notice)

    @contextlib.contextmanager
    def subscribe(
        self,
        task_id: str | None = ALL,
        *,
        source: str | None = None,
        encoding: Encoding | None = None,
        after: str | None = None,
        only_end: bool = False,
        also: frozenset[str] = frozenset(),
    ) -> Iterator[Subscription]:
        """Subscribe to one task or to all, on the running event loop, until the `with` block ends.

        Args:
            source: deliver updates of this source's tasks only; None for all.
            only_end: deliver terminal updates only.
            encoding: the encoding of previews; None for a subscriber without previews.
            after: the id of the last update read (`update_id`): later ones are replayed first, after a `Dropped` if the
                replay buffer has lost some.
            also: the kinds of notices to deliver, too; only with all tasks.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            begins_at = f"{self.stream_id}-{self._number}"
            subscription = Subscription(loop, encoding, only_end, source, begins_at, also)
            if after is not None:
                subscription.catch_up(*self._missed(task_id, source, after))
                self._repeat_notices(subscription, after)
            self._subscriptions[task_id].add(subscription)
            if self._closed:
                subscription.end()
        self._on_change()
        try:
            yield subscription
        finally:
            subscription.close()
            with self._lock:
                self._subscriptions[task_id].discard(subscription)
                if not self._subscriptions[task_id]:
                    del self._subscriptions[task_id]
            self._on_change()

    def close(self) -> None:
        """End all subscriptions for the shutdown of Fooocus. Later ones end at once."""
        with self._lock:
            self._closed = True
            subscriptions = [subscription for group in self._subscriptions.values() for subscription in group]
        for subscription in subscriptions:
            with contextlib.suppress(RuntimeError):
                subscription.loop.call_soon_threadsafe(subscription.end)

    def update_id(self, update: Update | Dropped) -> str:
        """Return the id with which a subscriber can resume after an update, or after dropped ones."""
        return f"{self.stream_id}-{update.number}"

    def is_final(self, update_id: str, task_id: str) -> bool:
        """Return whether an id is that of a task's terminal update or of a later one. False if the replay buffer has lost it."""
        stream_id, _, number = update_id.rpartition("-")
        with self._lock:
            end = next((update for update in self._kept if update.is_terminal and update.task.task_id == task_id), None)
        at = _number(number)
        return stream_id == self.stream_id and at is not None and end is not None and at >= end.number

    def has_subscribers(self, task_id: str) -> bool:
        """Return whether a task's progress has a subscriber: to this task, or to all."""
        with self._lock:
            subscriptions = [*self._subscriptions.get(task_id, ()), *self._subscriptions.get(ALL, ())]
        return not all(subscription.only_end for subscription in subscriptions)

    def is_awaited(self, task_id: str) -> bool:
        """Return whether anything waits for a task's progress or end, and for no other task's."""
        with self._lock:
            return bool(self._subscriptions.get(task_id))

    def subscribed_tasks(self) -> set[str]:
        """Return the ids of tasks whose progress has a subscriber of its own."""
        with self._lock:
            return {
                task_id
                for task_id, subscriptions in self._subscriptions.items()
                if task_id is not ALL and not all(subscription.only_end for subscription in subscriptions)
            }

    def watched(self) -> dict[str | None, bool]:
        """Return the tasks whose progress has a subscriber, `ALL` for every task, each with True if one wants previews."""
        with self._lock:
            groups = {key: [one for one in group if not one.only_end] for key, group in self._subscriptions.items()}
        return {key: any(one.encoding is not None for one in group) for key, group in groups.items() if group}

    def subscriber_count(self) -> int:
        """Return the number of subscribers."""
        with self._lock:
            return sum(len(subscriptions) for subscriptions in self._subscriptions.values())

    def _missed(self, task_id: str | None, source: str | None, after: str) -> tuple[Dropped | None, list[Update]]:
        """Return the updates since `after` in the replay buffer, and the lost ones as a `Dropped`."""
        stream_id, _, text = after.rpartition("-")
        last = _number(text)
        if stream_id != self.stream_id or last is None:
            return Dropped(None, self._number), []
        kept = [update for update in self._kept if update.number > last]
        oldest = self._kept[0].number if self._kept else self._number + 1
        lost = max(0, oldest - last - 1)
        matching = [
            update for update in kept if task_id in (ALL, update.task.task_id) and source in (None, update.task.source)
        ]
        all_match = task_id is ALL and source is None
        return (Dropped(lost if all_match else None, oldest - 1) if lost else None), matching

    def _repeat_notices(self, subscription: Subscription, after: str) -> None:
        stream_id, _, text = after.rpartition("-")
        last = _number(text)
        if not subscription.also or stream_id != self.stream_id or last is None:
            return  # without a known id everything is new to the subscriber, and it gets a `Dropped`
        notices, have_lost = self._notices.since(last)
        if have_lost:
            subscription.miss(Dropped(None, last))
        for notice in notices:
            if notice.kind in subscription.also and (
                notice.source is None or subscription.source in (None, notice.source)
            ):
                subscription.notify(notice)


def _by_loop(subscriptions: list[Subscription]) -> dict[asyncio.AbstractEventLoop, list[Subscription]]:
    by_loop: dict[asyncio.AbstractEventLoop, list[Subscription]] = defaultdict(list)
    for subscription in subscriptions:
        by_loop[subscription.loop].append(subscription)
    return by_loop


def _deliver_notice(subscriptions: list[Subscription], notice: Notice) -> None:
    for subscription in subscriptions:
        subscription.notify(notice)


def _deliver(subscriptions: list[Subscription], update: Update) -> None:
    for subscription in subscriptions:
        subscription.push(update)


def _number(text: str) -> int | None:
    """Return the number in an update's id, None for any other text of a client: `isdigit` alone takes ²."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else None
