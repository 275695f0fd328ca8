"""The order of pending tasks in the database, in which they are queued again after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from ...db import locks
from ...db.repository import Repository
from ..model.task import ACTIVE_STATUSES, Task


class StoredOrder:
    """Changes the ranks of pending tasks."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def put_first(self, task_ids: Sequence[str]) -> Future[None]:
        """Give these tasks the lowest ranks, in this order.

        Raises:
            DatabaseUnavailable: from the future; nothing was written.
        """

        def change() -> None:
            first = self._repository.lowest_rank(ACTIVE_STATUSES) - len(task_ids)
            for rank, task_id in enumerate(task_ids, first):
                self._repository.update(task_id, {"rank": rank})

        return self._repository.write(change, locks=(locks.RANKS,))

    def put_last(self, task: Task) -> Future[None]:
        """Give a task the rank of the newest one, behind which it comes because of its note.

        Raises:
            DatabaseUnavailable: from the future; nothing was written.
        """
        task.note_move_to_end()

        def change() -> None:
            self._repository.update(task.task_id, {"rank": self._repository.newest(), "notes": task.notes})

        return self._repository.write(change, locks=(locks.RANKS,))
