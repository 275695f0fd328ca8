"""Deletes batches in portions, so that other changes get their turn between two of them; a restart continues."""

from __future__ import annotations

from functools import partial

from ...db.repository import Repository
from ...db.statements.batches import batches, items
from ..history.retention import Retention
from ..model.rows import from_row
from ..service import TaskService
from .store import BatchStore

ROWS_AT_ONCE = 50
RETRY_S = 1.0
"""Seconds until the next look at tasks that were stopped; their ends also start one."""


class BatchRemoval:
    """Deletes the rows of deleted batches, and their tasks with the images if the client asked for it. It blocks."""

    def __init__(self, store: BatchStore, repository: Repository, retention: Retention, tasks: TaskService) -> None:
        self._store = store
        self._repository = repository
        self._retention = retention
        self._tasks = tasks

    def run(self) -> float | None:
        """Delete a portion of each deleted batch. Return the seconds until the next portion, None if all is deleted."""
        found = [number for number, _ in self._store.in_queue_by_batch(batches.DELETED)]
        return min((0.0 if self._step(number) else RETRY_S for number in found), default=None)

    def _step(self, number: int) -> bool:
        """Stop a deleted batch's tasks, or delete a portion of its rows. Return False if it has to wait for its tasks' ends."""
        in_queue = self._store.in_queue(number)
        if in_queue:
            stopped = [self._tasks.stop_now(task_id) for _, _, task_id in in_queue]
            if not all(stopped):
                self._store.settle(number)  # a task has ended, or is lost, so that no end of it follows
            return False
        rows = self._repository.read(partial(items.page, number, (*items.OPEN, *items.ENDED), 0, ROWS_AT_ONCE))
        batch = self._store.numbered(number)
        if batch is not None and batch.images_too:
            found = [
                self._repository.read(partial(self._repository.get, row["task_id"])) for row in rows if row["task_id"]
            ]
            tasks = [from_row(row) for row in found if row is not None]
            if tasks:
                self._retention.remove([task for task in tasks if task.status.is_terminal])
        self._store.forget(number, [row["number"] for row in rows])
        return True
