"""The predicted order of the cluster's waiting tasks, of which each process has a copy. The claims have the database's."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from ...tasks.model.pick import MOVED
from ...tasks.model.task import MOVED_TO_END, Task
from ...tasks.model.workload.workload import Workload
from ...tasks.queue.pending_order import PendingOrder
from ...tasks.queue.scheduler import QueueEntry, Scheduler

Place = tuple[int, int, int, str]
"""Rank, time of a move to the end, and row id of a task, as the claims sort them, and the task's id."""


class ClusterOrder(PendingOrder):
    """The waiting tasks of all processes. Any thread.

    A process reads the rows of others some milliseconds after it adds its own tasks. A task that comes late has its place all
    the same: those behind it are added again, which takes a while if they are thousands.
    """

    def __init__(self, scheduler: Scheduler, moved: Callable[[str], None]) -> None:
        """Order the tasks as `scheduler` picks them. `moved` gets the id of each task that this process has moved."""
        super().__init__(scheduler, moved)
        self._places: dict[str, Place] = {}
        self._fronts: list[Place] = []
        self._others: list[Place] = []
        self.arrange_with(self._forget_all)

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
        place = (task.rank, int(task.notes.get(MOVED_TO_END, 0)), task.id, task.task_id)
        with self.lock:
            self._discard(task.task_id)
            self.pending.add(entry, first=entry.front)
            places = self._fronts if entry.front else self._others
            index = bisect_left(places, place)
            again = places[:index][::-1] if entry.front else places[index:]
            for *_, task_id in again:
                self._add_again(task_id)
            insort(places, place)
            self._places[task.task_id] = place

    def is_misplaced(self, task_id: str) -> bool:
        """Return whether a task waits whose place was forgotten."""
        with self.lock:
            return task_id not in self._places and self.pending.find(task_id) is not None

    def discard(self, task_id: str) -> bool:
        """Remove a task. Return False if it is not among those that wait."""
        with self.lock:
            return self._discard(task_id)

    def picked(self, task_id: str) -> None:
        """Remove a task that a node has claimed, and count its source's turn."""
        with self.lock:
            self.pending.picked(task_id)
            self._discard(task_id)

    def _forget(self, task_id: str) -> None:
        """Forget the place of a task, which this process has moved, or which waits no more."""
        place = self._places.pop(task_id, None)
        for places in self._fronts, self._others:
            if place is not None and (index := bisect_left(places, place)) < len(places) and places[index] == place:
                del places[index]

    def _forget_all(self, keys: Sequence[object], _: bool) -> None:
        for key in keys:
            self._forget(str(key))

    def _discard(self, task_id: str) -> bool:
        self._forget(task_id)
        entry = self.pending.find(task_id)
        if entry is not None:
            self.pending.discard(entry.key)
        return entry is not None

    def _add_again(self, task_id: str) -> None:
        entry = self.pending.find(task_id)
        if entry is not None:
            self.pending.discard(entry.key)
            self.pending.add(entry, first=entry.front)
