"""Actions on many tasks at once. Each task has a result of its own; the failure of one does not affect the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ...db.repository import Repository
from ...db.writer import DatabaseUnavailable
from ..history.retention import TASKS_PER_TRANSACTION, Retention
from ..model.active_tasks import ActiveTasks
from ..model.rows import from_row
from ..model.task import Task, TaskStatus
from ..service import TaskService, UnknownTask, WrongStatus
from .moves import NOT_IN_QUEUE, TaskMoves
from .tags import Change, TaskTags

T = TypeVar("T")
READ_AT_ONCE = 500
Outcomes = dict[str, "str | Exception"]
"""Id → the outcome in one word, or the reason for which nothing was done."""


class BulkActions:
    """Cancels, deletes, moves and tags tasks."""

    def __init__(
        self,
        repository: Repository,
        active: ActiveTasks,
        tasks: TaskService,
        retention: Retention,
        moves: TaskMoves,
        tags: TaskTags,
    ) -> None:
        self._repository = repository
        self._active = active
        self._tasks = tasks
        self._retention = retention
        self._moves = moves
        self._tags = tags

    async def find(self, task_ids: Sequence[str]) -> dict[str, Task]:
        """Return those of these tasks that exist, in their current states, by their ids.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return await asyncio.to_thread(self._find, task_ids)

    def _find(self, task_ids: Sequence[str]) -> dict[str, Task]:
        lives = [live for task_id in task_ids if (live := self._active.get(task_id)) is not None]
        found = {live.task.task_id: replace(live.task) for live in lives}
        missing = [
            task_id for task_id in task_ids if task_id not in found and "\0" not in task_id
        ]  # PostgreSQL refuses NUL
        for ids in _parts(missing, READ_AT_ONCE):
            rows = self._repository.read(partial(self._repository.many, ids))
            found.update((row["task_id"], from_row(row)) for row in rows)
        return found

    async def cancel(self, tasks: Sequence[Task]) -> Outcomes:
        """Stop pending and running tasks. A running one ends at its next step."""
        return await asyncio.to_thread(lambda: {task.task_id: self._cancel(task.task_id) for task in tasks})

    def _cancel(self, task_id: str) -> str | Exception:
        try:
            if self._tasks.withdraw(task_id):
                return "cancelled"
            if self._tasks.stop_now(task_id):
                return "stopping"
        except DatabaseUnavailable as error:
            return error
        return WrongStatus(f"task {task_id} has already ended")

    async def delete(self, tasks: Sequence[Task]) -> Outcomes:
        """Delete ended tasks with their images, and cancel pending ones."""
        return await asyncio.to_thread(self._delete, tasks)

    def _delete(self, tasks: Sequence[Task]) -> Outcomes:
        outcomes: Outcomes = {}
        ended, left = [], []
        for task in tasks:
            if task.status.is_terminal:
                ended.append(task)
                continue
            outcome = self._withdraw(task)
            if outcome is None:
                left.append(task.task_id)
            else:
                outcomes[task.task_id] = outcome
        ended += self._ended_by_now(left, outcomes)
        for part in _parts(ended, TASKS_PER_TRANSACTION):
            removal: str | Exception = "deleted"
            try:
                self._retention.remove(part)
            except DatabaseUnavailable as error:
                removal = error
            outcomes.update((task.task_id, removal) for task in part)
        return outcomes

    def _withdraw(self, task: Task) -> str | Exception | None:
        """Cancel a pending task. Return None if it has started."""
        try:
            if task.status is TaskStatus.PENDING and self._tasks.withdraw(task.task_id):
                return "cancelled"
        except DatabaseUnavailable as error:
            return error
        return None

    def _ended_by_now(self, task_ids: Sequence[str], outcomes: Outcomes) -> list[Task]:
        """Return those of the tasks that have ended since they were read, and note why the others are not deleted."""
        try:
            now = self._find(task_ids)
        except DatabaseUnavailable as error:
            outcomes.update(dict.fromkeys(task_ids, error))
            return []
        for task_id in task_ids:
            if task_id not in now:
                outcomes[task_id] = UnknownTask(task_id)
            elif not now[task_id].status.is_terminal:
                outcomes[task_id] = WrongStatus(f"task {task_id} is {now[task_id].status.value}; stop it first")
        return [task for task in now.values() if task.status.is_terminal]

    async def front(self, tasks: Sequence[Task]) -> Outcomes:
        """Move pending tasks to the front of the queue, in this order."""
        ids = [task.task_id for task in tasks]
        try:
            moved = await self._moves.to_front(ids)
        except DatabaseUnavailable as error:
            return dict.fromkeys(ids, error)
        return {
            task_id: "moved" if task_id in moved else WrongStatus(f"task {task_id} {NOT_IN_QUEUE}") for task_id in ids
        }

    async def tag(self, tasks: Sequence[Task], change: Change) -> Outcomes:
        """Change the tags of tasks. An exception of `change` is the reason for which a task's stay as they are."""
        outcomes: Outcomes = {}
        for task in tasks:
            try:
                await self._tags.change(task.task_id, change)
                outcomes[task.task_id] = "tagged"
            except (UnknownTask, DatabaseUnavailable, ValueError) as error:
                outcomes[task.task_id] = error
        return outcomes


def _parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
