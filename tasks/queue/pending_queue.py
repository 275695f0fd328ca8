"""Index of the pending tasks: the next one, the predicted order and each place, at a cost that does not grow with them."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..model.pick import Pick
from .lanes import QueueEntry
from .scheduler import Scheduler, Snapshot

MAX_PREDICTED = 200
"""Number of tasks whose order is predicted; those behind them are in order of arrival."""
REFRESH_S = 0.25
"""Seconds for which the predicted order of a longer queue stays although more tasks have arrived."""


@dataclass(frozen=True)
class Prediction:
    """The predicted order of the next tasks: their ids, and the sorted arrivals of all entries before the others.

    `picks` has the entries in that order, jobs included, each with its reason.
    """

    task_ids: list[str]
    arrivals: list[int]
    made_at: float
    """Seconds of a monotonic clock."""
    picks: list[tuple[QueueEntry, Pick]]


class PendingQueue:
    """The entries of the pending tasks and jobs, each with its place. One thread at a time; `predict` may run without a lock."""

    def __init__(self, scheduler: Scheduler, clock: Callable[[], float] = time.monotonic) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._entries: dict[int, QueueEntry] = {}
        """Entries by the identity of their keys, which they keep alive."""
        self._by_task: dict[str, QueueEntry] = {}
        self._arrivals: list[int] = []
        self._prediction: Prediction | None = None
        self._changes = 0
        self._has_grown = False

    def use(self, scheduler: Scheduler) -> None:
        """Let another scheduler choose from now on."""
        entries = sorted(self._entries.values(), key=self._scheduler.arrival)
        scheduler.pause(self._scheduler.paused)
        for entry in entries:
            scheduler.add(entry)
        self._scheduler = scheduler
        self._arrivals = [scheduler.arrival(entry) for entry in entries]
        self._change()

    def add(self, entry: QueueEntry, *, first: bool = False) -> None:
        """Add an entry behind all others, or before them."""
        self._entries[id(entry.key)] = entry
        if entry.task_id is not None:
            self._by_task[entry.task_id] = entry
        if first:
            self._scheduler.add_first(entry)
            self._arrivals.insert(0, self._scheduler.arrival(entry))
            self._change()
        else:
            self._scheduler.add(entry)
            self._arrivals.append(self._scheduler.arrival(entry))
            self._has_grown = True

    def pause(self, paused: bool) -> None:
        """Hold the tasks of the API back from now on, or no longer."""
        self._scheduler.pause(paused)
        self._change()

    @property
    def is_paused(self) -> bool:
        """Return whether the tasks of the API are held back."""
        return self._scheduler.paused

    def is_held(self) -> bool:
        """Return whether all entries wait for the end of the pause."""
        return self._scheduler.is_held()

    def discard(self, key: object) -> None:
        """Remove the entry with this key."""
        entry = self._entries.pop(id(key), None)
        if entry is None:
            return
        if entry.task_id is not None:
            self._by_task.pop(entry.task_id, None)
        arrival = self._scheduler.arrival(entry)
        del self._arrivals[bisect_left(self._arrivals, arrival)]
        self._scheduler.discard(entry)
        if self._prediction is None or arrival in self._prediction.arrivals:
            self._change()

    def find(self, task_id: str) -> QueueEntry | None:
        """Return a task's entry, None if it is not pending."""
        return self._by_task.get(task_id)

    def next(self) -> QueueEntry | None:
        """Return the entry whose turn it is, and count its source's turn. None without entries, or if all wait for a pause."""
        entry = self._scheduler.next(self._clock())
        if entry is not None:
            self._change()
        return entry

    def picked(self, task_id: str) -> None:
        """Remove a task that another process has picked, and count its source's turn."""
        entry = self._by_task.get(task_id)
        if entry is not None:
            self._scheduler.picked(entry, self._clock())
            self.discard(entry.key)

    def fix(self, picks: Sequence[tuple[QueueEntry, Pick]]) -> list[QueueEntry]:
        """Put entries to the front in this order, before all others, for these reasons. Return those that were still pending."""
        fixed = []
        for entry, pick in reversed(picks):
            if (current := self._entries.get(id(entry.key))) is not None:
                self.discard(current.key)
                fixed.append(replace(current, front=True, last=False, fixed=pick))
                self.add(fixed[-1], first=True)
        return fixed[::-1]

    def known(self) -> Prediction | None:
        """Return the predicted order, None if it has to be predicted again."""
        known = self._prediction
        if known is None or not self._has_grown:
            return known
        is_long = len(self._arrivals) > MAX_PREDICTED
        return known if is_long and self._clock() - known.made_at < REFRESH_S else None

    def snapshot(self) -> tuple[Snapshot, int]:
        """Return the next entries for `predict`, and the version of the queue for `remember`."""
        self._has_grown = False
        return self._scheduler.snapshot(MAX_PREDICTED), self._changes

    def remember(self, prediction: Prediction, version: int) -> None:
        """Keep a prediction until the queue changes, unless it has changed since `version`."""
        if version == self._changes:
            self._prediction = prediction

    def _change(self) -> None:
        """Discard the prediction: another task is the next one."""
        self._changes += 1
        self._prediction = None

    def place(self, task_id: str, prediction: Prediction) -> int | None:
        """Return the number of tasks before one that is behind the predicted ones, None if it is not pending."""
        entry = self._by_task.get(task_id)
        if entry is None:
            return None
        arrival = self._scheduler.arrival(entry)
        behind = bisect_left(self._arrivals, arrival) - bisect_left(prediction.arrivals, arrival)
        return len(prediction.task_ids) + behind


def predict(snapshot: Snapshot, now: float) -> Prediction:
    """Return the order in which the entries would be picked if no other task arrived. It takes a few milliseconds."""
    ahead = snapshot.scheduler()
    arrivals, picks = [], []
    for _ in range(MAX_PREDICTED):
        entry = ahead.next(now)
        if entry is None and ahead.paused:
            ahead.pause(False)  # those that wait for the end of the pause come afterwards
            entry = ahead.next(now)
        if entry is None:
            break
        picks.append((entry, ahead.explain(entry)))
        arrivals.append(ahead.arrival(entry))
        ahead.discard(entry)
    task_ids = [entry.task_id for entry, _ in picks if entry.task_id is not None]
    return Prediction(task_ids, sorted(arrivals), now, picks)
