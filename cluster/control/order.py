"""The predicted order of the cluster's waiting tasks, of which each process has a copy. The claims have the database's."""

from __future__ import annotations

import sys
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from ...tasks.model.pick import MOVED
from ...tasks.model.task import MOVED_TO_END, Task
from ...tasks.model.workload.workload import Workload
from ...tasks.queue.lanes import WEBUI
from ...tasks.queue.pending_order import PendingOrder
from ...tasks.queue.scheduler import QueueEntry, Scheduler
from ..jobs.task_jobs import files_of
from .needed_files import NeededFiles

Place = tuple[int, int, int, str]
"""Rank, time of a move to the end, and row id of a task, as the claims sort them, and the task's id."""


class ClusterOrder(PendingOrder):
    """The waiting tasks of all processes. Any thread.

    A process reads the rows of others some milliseconds after it adds its own tasks. A task that comes late has its place all
    the same: those behind it are added again, which takes a while if they are thousands.

    A task whose model files no node has is kept aside, as no claim finds it: it is before no other.
    """

    def __init__(self, scheduler: Scheduler, moved: Callable[[str], None]) -> None:
        """Order the tasks as `scheduler` picks them. `moved` gets the id of each task that this process has moved."""
        super().__init__(scheduler, moved)
        self._places: dict[str, Place] = {}
        self._fronts: list[Place] = []
        self._others: list[Place] = []
        self._files = NeededFiles()
        self._aside: dict[str, QueueEntry] = {}
        self._aside_places: list[Place] = []
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
            self._places[task.task_id] = place
            # A click in a WebUI is not claimed: its own process generates it.
            if task.source == WEBUI or self._files.add(task.task_id, files_of(workload.needs)):
                self._line_up([entry])
            else:
                self._put_aside(entry)

    def offer(self, nodes: Sequence[frozenset[str]] | None) -> tuple[list[str], list[str]]:
        """Take the names of each living node's model files, None if they are not known. Return the tasks that have left the queue
        by that, and those that have come into it."""
        with self.lock:
            lost, back = self._files.offer(nodes)
            for task_id in lost:
                entry = self.pending.find(task_id)
                if entry is not None:
                    self.pending.discard(entry.key)
                    self._remove_place(task_id)
                    self._put_aside(entry)
            self._line_up([entry for task_id in back if (entry := self._take_back(task_id)) is not None])
        return lost, back

    def stranded(self, source: str | None, most: int) -> list[str]:
        with self.lock:
            ids = (task_id for *_, task_id in self._aside_places)
            return list(islice((one for one in ids if source in (None, self._aside[one].source)), most))

    def is_misplaced(self, task_id: str) -> bool:
        """Return whether a task waits whose place was forgotten."""
        with self.lock:
            return task_id not in self._places and (task_id in self._aside or self.pending.find(task_id) is not None)

    def discard(self, task_id: str) -> bool:
        """Remove a task. Return False if it is not among those that wait."""
        with self.lock:
            return self._discard(task_id)

    def picked(self, task_id: str) -> None:
        """Remove a task that a node has claimed, and count its source's turn."""
        with self.lock:
            entry = self._take_back(task_id)
            if entry is not None:  # the node has the files by now
                self._line_up([entry])
            self.pending.picked(task_id)
            self._discard(task_id)

    # ------------------------------------------------------------------ in line

    def _line_up(self, entries: Sequence[QueueEntry]) -> None:
        """Put entries into the queue, each at its place; those without one as if they were new."""
        for front, places in (True, self._fronts), (False, self._others):
            new = {str(entry.task_id): entry for entry in entries if entry.front is front}
            placed = sorted(self._places[task_id] for task_id in new if task_id in self._places)
            for entry in new.values():
                self.pending.add(entry, first=front)
            if not placed:
                continue
            for place in placed:
                insort(places, place)
            again = (
                places[: bisect_left(places, placed[-1]) + 1][::-1]
                if front
                else places[bisect_left(places, placed[0]) :]
            )
            if len(placed) == 1:  # it is there already, at the end of all others
                again = again[1:]
            self._add_again(task_id for *_, task_id in again)

    def _add_again(self, task_ids: Iterable[str]) -> None:
        for task_id in task_ids:
            entry = self.pending.find(task_id)
            if entry is not None:
                self.pending.discard(entry.key)
                self.pending.add(entry, first=entry.front)

    def _discard(self, task_id: str) -> bool:
        was_aside = self._take_back(task_id) is not None
        self._files.discard(task_id)
        self._forget(task_id)
        entry = self.pending.find(task_id)
        if entry is not None:
            self.pending.discard(entry.key)
        return was_aside or entry is not None

    # -------------------------------------------------------------------- aside

    def _put_aside(self, entry: QueueEntry) -> None:
        task_id = str(entry.task_id)
        self._aside[task_id] = entry
        insort(self._aside_places, self._aside_place(entry))

    def _take_back(self, task_id: str) -> QueueEntry | None:
        """Return the entry of a task that was put aside, and no longer is; None if it was not."""
        entry = self._aside.pop(task_id, None)
        if entry is not None:
            _remove(self._aside_places, self._aside_place(entry))
        return entry

    def _aside_place(self, entry: QueueEntry) -> Place:
        """Return the place of a task among those aside: it may have been forgotten, as this process has moved the task."""
        task_id = str(entry.task_id)
        return self._places.get(task_id) or (-sys.maxsize if entry.front else sys.maxsize, 0, 0, task_id)

    # ------------------------------------------------------------------- places

    def _forget(self, task_id: str) -> None:
        """Forget the place of a task, which this process has moved, or which waits no more."""
        self._remove_place(task_id)
        self._places.pop(task_id, None)

    def _forget_all(self, keys: Sequence[object], _: bool) -> None:
        for key in keys:
            self._forget(str(key))

    def _remove_place(self, task_id: str) -> None:
        place = self._places.get(task_id)
        for places in self._fronts, self._others:
            if place is not None:
                _remove(places, place)


def _remove(places: list[Place], place: Place) -> None:
    if (index := bisect_left(places, place)) < len(places) and places[index] == place:
        del places[index]
