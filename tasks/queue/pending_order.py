"""The order of the pending tasks: how it is predicted, and the moves that change it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..model.pick import MOVED, Pick
from .lanes import QueueEntry
from .pending_queue import PendingQueue, Prediction, predict
from .scheduler import Scheduler


class PendingOrder:
    """Implements `tasks.ports.engine.QueueOrder`. Any thread; `lock` is held for microseconds."""

    def __init__(self, scheduler: Scheduler, moved: Callable[[str], None]) -> None:
        """Order the entries as `scheduler` picks them. `moved` gets the id of each task that was moved, outside of the lock."""
        self.lock = threading.Lock()
        """Keeps `pending` and the list of its owner in step."""
        self.pending = PendingQueue(scheduler)
        self._moved = moved
        self._arrange: Callable[[Sequence[object], bool], None] = lambda keys, first: None

    def arrange_with(self, arrange: Callable[[Sequence[object], bool], None]) -> None:
        """Have `arrange` put the items with these keys before or behind all others, under the lock, after each move."""
        self._arrange = arrange

    def use(self, scheduler: Scheduler) -> None:
        """Let another scheduler choose from now on."""
        with self.lock:
            self.pending.use(scheduler)

    def find(self, task_id: str) -> QueueEntry | None:
        """Return a task's entry, None if it is not pending."""
        with self.lock:
            return self.pending.find(task_id)

    def move_to_front(self, task_id: str) -> bool:
        return self._move(task_id, first=True)

    def move_to_end(self, task_id: str) -> bool:
        return self._move(task_id, first=False)

    def _move(self, task_id: str, *, first: bool) -> bool:
        with self.lock:
            entry = self.pending.find(task_id)
            if entry is None:
                return False
            self.pending.discard(entry.key)
            fixed = MOVED if first else None
            self.pending.add(replace(entry, front=first, last=not first, fixed=fixed), first=first)
            self._arrange([entry.key], first)
        self._moved(task_id)
        return True

    def move_before(self, task_id: str, before: str) -> list[str] | None:
        picks = self._predicted().picks
        place = next((index for index, (entry, _) in enumerate(picks) if entry.task_id == before), None)
        with self.lock:
            moved = self.pending.find(task_id)
            if place is None or moved is None or self.pending.find(before) is None:
                return None
            ahead = [pick for pick in picks[:place] if pick[0].task_id != task_id]
            fixed = self.pending.fix([*ahead, (moved, MOVED)])
            self._arrange([entry.key for entry in fixed], True)
        self._moved(task_id)
        return [entry.task_id for entry in fixed if entry.task_id is not None]

    def pause(self, paused: bool) -> None:
        with self.lock:
            self.pending.pause(paused)

    def is_paused(self) -> bool:
        return self.pending.is_paused

    def is_held(self) -> bool:
        """Return whether all that are pending wait for the end of the pause."""
        return self.pending.is_held()

    def picks(self) -> list[tuple[str, Pick]]:
        return [(entry.task_id, pick) for entry, pick in self._predicted().picks if entry.task_id is not None]

    def task_ids(self) -> list[str]:
        return self._predicted().task_ids

    def place(self, task_id: str) -> int | None:
        prediction = self._predicted()
        with self.lock:
            return self.pending.place(task_id, prediction)

    def stranded(self, source: str | None, most: int) -> list[str]:
        return []

    def _predicted(self) -> Prediction:
        with self.lock:
            known = self.pending.known()
            if known is not None:
                return known
            snapshot, version = self.pending.snapshot()
        prediction = predict(snapshot, time.monotonic())
        with self.lock:
            self.pending.remember(prediction, version)
        return prediction
