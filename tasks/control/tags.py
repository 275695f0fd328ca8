"""Changes the tags of tasks, active and ended ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from ...db.repository import Repository
from ...db.statements.changes.tags import change_tags
from ..model.active_tasks import ActiveTasks
from ..service import UnknownTask

Change = Callable[[Sequence[str]], Sequence[str]]


class TaskTags:
    """The tags of tasks, in the database and in memory."""

    def __init__(self, repository: Repository, active: ActiveTasks) -> None:
        self._repository = repository
        self._active = active

    async def change(self, task_id: str, change: Change) -> None:
        """Replace a task's tags by those that `change` makes of them. Its exception leaves them as they are.

        Raises:
            UnknownTask: the id belongs to no task.
            DatabaseUnavailable: nothing was changed.
        """
        write = self._repository.write(partial(change_tags, task_id, change), partial(self._retag, task_id))
        if await asyncio.wrap_future(write) is None:
            raise UnknownTask(task_id)

    def _retag(self, task_id: str, tags: Sequence[str] | None) -> None:
        live = self._active.get(task_id)
        if live is not None and tags is not None:
            live.retag(tags)
