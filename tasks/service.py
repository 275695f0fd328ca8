"""Looks tasks up and controls them: get, wait, stop, skip and delete."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ..auth.rate_limit import LimitReached as LimitReached
from ..db.writer import DatabaseUnavailable as DatabaseUnavailable
from ..images.preview import PreviewImage
from .history.retention import Retention
from .model.active_tasks import ActiveTasks
from .model.task import Task, TaskStatus
from .ports.engine import Engine, Interruption, ShuttingDown
from .queue.model_downloads import Downloader
from .storage.store import TaskStore
from .streaming.broadcaster import Broadcaster


class UnknownTask(Exception):
    """The id belongs to no task."""


class WrongStatus(Exception):
    """The task's status does not permit the operation; the message names the status."""


class TaskService:
    """Single tasks: active ones from memory, ended ones from the database."""

    def __init__(
        self,
        active: ActiveTasks,
        store: TaskStore,
        engine: Engine,
        downloader: Downloader,
        events: Broadcaster,
        retention: Retention,
    ) -> None:
        self._active = active
        self._store = store
        self._engine = engine
        self._downloader = downloader
        self._events = events
        self._retention = retention

    # ------------------------------------------------------------- reading

    async def get(self, task_id: str) -> Task:
        """Return a task in its current state.

        Raises:
            UnknownTask: the id belongs to no task.
        """
        live = self._active.get(task_id)
        if live is not None:
            if self.follow(live.task):
                stored = await self._store.get(task_id)  # its end may be known to others already
                if stored is not None and stored.status.is_terminal:
                    return stored
            return replace(live.task)
        task = await self._store.get(task_id)
        if task is None:
            raise UnknownTask(task_id)
        return task

    def follow(self, task: Task) -> bool:
        """Have the progress of a running task reported to this process for a while, as clients poll. Return whether another
        process runs it. Any thread; it never waits."""
        return task.status is TaskStatus.RUNNING and self._events.note_interest(task.task_id)

    def preview(self, task_id: str) -> PreviewImage | None:
        """Return the newest preview of a running task, None without one."""
        live = self._active.get(task_id)
        return live.preview if live else None

    def running(self, source: str | None = None) -> Task | None:
        """Return the running task, None without one; in a cluster the one that has run longest. Of this source if one is
        given."""
        task = self._active.running(source)
        if task is not None:
            self.follow(task)
        return task

    def counts(self) -> dict[str, int]:
        """Return the number of pending and running tasks."""
        return self._active.counts()

    def unwritable(self) -> str | None:
        """Return why the history can't be written now, without naming a path or host; None if it can. Waits for seconds."""
        return self._store.unwritable()

    async def wait(self, task_id: str) -> Task:
        """Wait for a task's end, without polling, and return the ended task.

        Raises:
            UnknownTask: the id belongs to no task.
            ShuttingDown: Fooocus is shutting down; the task resumes at the next start.
        """
        with self._events.subscribe(task_id, only_end=True) as subscription:
            task = await self.get(task_id)  # after subscribing, so that no update is missed
            if not task.status.is_terminal:
                async for update in subscription.updates():
                    task = update.task
        if not task.status.is_terminal:
            raise ShuttingDown(task_id)
        return task

    # ------------------------------------------------------------- control

    async def stop(self, task_id: str) -> bool:
        """Stop a pending or running task, and no other. Return False if it had ended already.

        Raises:
            DatabaseUnavailable: other processes share the task, and nothing was changed.
        """
        return await asyncio.to_thread(self.stop_now, task_id)

    def stop_now(self, task_id: str) -> bool:
        """Stop a task as `stop` does. It waits for the host's queue: not on an event loop."""
        return self.withdraw(task_id) or self._engine.interrupt(task_id, "stop")

    def withdraw(self, task_id: str) -> bool:
        """Stop a task that has not started. Return False if it has started or ended.

        Raises:
            DatabaseUnavailable: other processes share the task, and nothing was changed.
        """
        # In the order in which a task passes them.
        return self._downloader.cancel(task_id) or self._engine.withdraw(task_id)

    def skip(self, task_id: str) -> bool:
        """Skip the current image of a running task. Return False if the task is not running."""
        return self._engine.interrupt(task_id, "skip")

    def interrupt_running(self, how: Interruption, source: str | None = None) -> str | None:
        """Stop the running task or skip its current image, and return its id. None without a running task, or if none is
        from `source`."""
        task = self.running(source)
        if task is None:
            return None
        return task.task_id if self._engine.interrupt(task.task_id, how) else None

    async def delete(self, task_id: str) -> Task | None:
        """Delete an ended task and its images, or cancel a pending one. Return the cancelled task, None after a deletion.

        A task that ends before it can be cancelled, because it only waits for the images of the one before, is deleted.

        Raises:
            UnknownTask: the id belongs to no task.
            WrongStatus: the task is running.
        """
        task = await self.get(task_id)
        if task.status is TaskStatus.PENDING and await self.stop(task_id):
            task = await self.wait(task_id)
            if task.status is TaskStatus.STOPPED:
                return task
        else:
            task = await self.get(task_id)
        if not task.status.is_terminal:
            raise WrongStatus(f"task {task_id} is {task.status.value}; stop it first")
        await asyncio.to_thread(self._retention.remove, [task])
        return None
