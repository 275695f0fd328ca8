"""The predicted order of the cluster's waiting tasks, of which each process has a copy. The claims have the database's."""

from __future__ import annotations

from ...tasks.model.pick import MOVED
from ...tasks.model.task import Task
from ...tasks.model.workload.workload import Workload
from ...tasks.queue.pending_order import PendingOrder
from ...tasks.queue.scheduler import QueueEntry


class ClusterOrder(PendingOrder):
    """The waiting tasks of all processes. Any thread."""

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
        with self.lock:
            self._discard(task.task_id)
            self.pending.add(entry, first=task.was_moved)

    def discard(self, task_id: str) -> bool:
        """Remove a task. Return False if it is not among those that wait."""
        with self.lock:
            return self._discard(task_id)

    def _discard(self, task_id: str) -> bool:
        entry = self.pending.find(task_id)
        if entry is not None:
            self.pending.discard(entry.key)
        return entry is not None

    def picked(self, task_id: str) -> None:
        """Remove a task that a node has claimed, and count its source's turn."""
        with self.lock:
            self.pending.picked(task_id)
