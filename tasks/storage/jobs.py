"""Protocol of the queue that several processes share. Implemented by `cluster`; one process alone has none."""

from __future__ import annotations

from typing import Protocol

from ..model.task import Task
from ..model.workload.workload import Workload


class Jobs(Protocol):
    """The jobs of tasks, one for each task of the API that waits or runs. All methods but `mark` run on the writer's thread, in
    the transaction that changes the task's row, so that row and job change together."""

    def mark(self, task: Task) -> None:
        """Record in a new task of the WebUI that it belongs to this process."""

    def accepted(self, task: Task, workload: Workload) -> None:
        """Add the job of a new task, whose row is in this transaction."""

    def is_mine(self, task_id: str) -> bool:
        """Return whether this process has claimed the task. Any thread."""

    def may_change(self, task_id: str) -> bool:
        """Lock the row of a task that this process may change: it has claimed the task, or the task has not started.

        Return False if another process has the task by now, or it has ended.
        """

    def ended(self, task_id: str) -> None:
        """Remove the job of a task, whose end is in this transaction."""

    def released(self, task_id: str) -> None:
        """Put a claimed job back into the queue: its row is pending from this transaction on."""

    def retried(self, task: Task) -> bool:
        """Put a failed task back into the queue in place of its end, if another process may succeed: this one's disk is full.

        Return False if its end is to be written.
        """


class NoJobs:
    """The jobs of a process that has its queue for itself."""

    def mark(self, task: Task) -> None:
        pass

    def accepted(self, task: Task, workload: Workload) -> None:
        pass

    def is_mine(self, task_id: str) -> bool:
        return True

    def may_change(self, task_id: str) -> bool:
        return True

    def ended(self, task_id: str) -> None:
        pass

    def released(self, task_id: str) -> None:
        pass

    def retried(self, task: Task) -> bool:
        return False
