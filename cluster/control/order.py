"""The predicted order of the cluster's waiting tasks, of which each process has a copy. The claims have the database's."""

from __future__ import annotations

import threading
import time

from ...tasks.model.pick import MOVED, Pick
from ...tasks.model.task import Task
from ...tasks.model.workload.workload import Workload
from ...tasks.queue.pending_queue import PendingQueue, Prediction, predict
from ...tasks.queue.scheduler import QueueEntry, Scheduler


class ClusterOrder:
    """The waiting tasks of all processes. Any thread; a lock is held for microseconds."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._pending = PendingQueue(scheduler)
        self._scheduler = scheduler
        self._lock = threading.Lock()

    def add(self, task: Task, workload: Workload) -> None:
        """Add a task, in place of an earlier entry of it."""
        entry = QueueEntry(
            task.task_id,
            task.source,
            workload.priority,
            task.was_moved,
            task.was_moved_to_end,
            workload.needs,
            task_id=task.task_id,
            fixed=MOVED if task.was_moved else None,
        )
        with self._lock:
            self._discard(task.task_id)
            self._pending.add(entry, first=task.was_moved)

    def discard(self, task_id: str) -> bool:
        """Remove a task. Return False if it is not among those that wait."""
        with self._lock:
            return self._discard(task_id) is not None

    def picked(self, task_id: str) -> None:
        """Remove a task that a node has claimed, and count its source's turn."""
        with self._lock:
            entry = self._pending.find(task_id)
            if entry is not None:
                self._scheduler.picked(entry, time.monotonic())
                self._pending.discard(entry.key)

    def _discard(self, task_id: str) -> QueueEntry | None:
        entry = self._pending.find(task_id)
        if entry is not None:
            self._pending.discard(entry.key)
        return entry

    def move_to_front(self, task_id: str) -> bool:
        """Move a task before all others. Return False if it does not wait."""
        return self._moved(task_id, first=True)

    def move_to_end(self, task_id: str) -> bool:
        """Move a task behind all others. Return False if it does not wait."""
        return self._moved(task_id, first=False)

    def _moved(self, task_id: str, *, first: bool) -> bool:
        with self._lock:
            entry = self._discard(task_id)
            if entry is None:
                return False
            moved = QueueEntry(
                entry.key,
                entry.source,
                entry.priority,
                first,
                not first,
                entry.needs,
                task_id=task_id,
                fixed=MOVED if first else None,
            )
            self._pending.add(moved, first=first)
            return True

    def move_before(self, task_id: str, before: str) -> list[str] | None:
        """Move a task to the place before another one, and fix the order up to there. Return the ids in that order.

        None if one of them does not wait, or `before` is not among those of `order`.
        """
        picks = self._predicted().picks
        place = next((index for index, (entry, _) in enumerate(picks) if entry.task_id == before), None)
        with self._lock:
            moved = self._pending.find(task_id)
            if place is None or moved is None or self._pending.find(before) is None:
                return None
            ahead = [pick for pick in picks[:place] if pick[0].task_id != task_id]
            fixed = self._pending.fix([*ahead, (moved, MOVED)])
        return [entry.task_id for entry in fixed if entry.task_id is not None]

    def pause(self, paused: bool) -> None:
        """Show the tasks of the API as held back from now on, or no longer."""
        with self._lock:
            self._pending.pause(paused)

    @property
    def is_paused(self) -> bool:
        """Return whether the tasks of the API are held back."""
        return self._pending.is_paused

    def picks(self) -> list[tuple[str, Pick]]:
        """Return the ids of `order`, each with the reason for its place."""
        return [(entry.task_id, pick) for entry, pick in self._predicted().picks if entry.task_id is not None]

    def order(self) -> list[str]:
        """Return the ids of the next tasks in their predicted order."""
        return self._predicted().task_ids

    def place(self, task_id: str) -> int | None:
        """Return the number of tasks before one that is not among those of `order`, None if it does not wait."""
        prediction = self._predicted()
        with self._lock:
            return self._pending.place(task_id, prediction)

    def _predicted(self) -> Prediction:
        with self._lock:
            known = self._pending.known()
            if known is not None:
                return known
            snapshot, version = self._pending.snapshot()
        prediction = predict(snapshot, time.monotonic())
        with self._lock:
            self._pending.remember(prediction, version)
        return prediction
