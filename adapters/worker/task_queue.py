"""The host's queue as a list subclass that reports its changes.

Exceptions here must not reach the worker: its `len` and `pop` run outside any `try`, and an exception there ends its thread
permanently. Each override does what the plain list does, and guards the rest.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...tasks.model import events
from ...tasks.model.task import TaskError, new_task_id
from ...tasks.queue.scheduler import QueueEntry
from ..task_args.workload_fields import model_needs
from .queue_items import ID_ATTRIBUTE, QueuedTask, WorkerJob
from .task_yields import TaskYields

if TYPE_CHECKING:
    from .worker import Worker

MAX_WAIT_S = 0.25
"""Seconds that the idle worker waits for an item at most, before its loop looks at the host's queue again."""


class TaskQueue(list[Any]):
    """The host's `async_tasks`: `append` queues a task, `pop` starts one. Jobs are in the same queue.

    The items are in order of arrival; the scheduler chooses the next one when the worker pops. A lock, held for microseconds,
    keeps the list and the scheduler's index of it in step.
    """

    def __init__(self, worker: Worker, tasks: list[Any]) -> None:
        super().__init__()
        self.worker = worker
        self._pending = worker.order.pending
        self._lock = worker.order.lock
        worker.order.arrange_with(self._arrange)
        self._arrived = threading.Event()
        for task in tasks:
            self._add(QueueEntry(task, "webui"))

    def __len__(self) -> int:
        """Return the number of items. The idle worker, whose loop asks each 10 ms, waits here for the first one to arrive."""
        if not self and self.worker.current is None and threading.current_thread() is self.worker.thread:
            self._arrived.clear()
            if not self:
                self._arrived.wait(MAX_WAIT_S)
        return super().__len__()

    def __bool__(self) -> bool:
        return super().__len__() > 0

    def append(self, task: Any) -> None:
        self._add(self.worker.call_safely(self._prepare, task) or QueueEntry(task, "webui"))

    def append_job(self, job: WorkerJob) -> None:
        """Queue a job that is not a task."""
        self._add(QueueEntry(job, "tools"))

    def append_task(self, queued: QueuedTask, *, is_new: bool = True) -> None:
        """Queue a task of the API. Without `is_new` it is known as queued already."""
        if is_new:
            self.worker.bus.emit(events.Queued(queued.task_id))
        self._add(replace(queued.entry, key=queued, task_id=queued.task_id))

    def remove_task(self, task_id: str) -> QueueEntry | None:
        """Remove a task and return its entry; None if the task is not pending (any more)."""
        entry = self.worker.order.find(task_id)
        return entry if entry is not None and self._remove(entry.key) else None

    def _arrange(self, keys: Sequence[object], first: bool) -> None:
        """Put these items before or behind all others, as their order says. Under the lock."""
        moved = {id(key) for key in keys}
        others = [item for item in self if id(item) not in moved]
        self[:] = [*keys, *others] if first else [*others, *keys]

    def _add(self, entry: QueueEntry) -> None:
        """Add an item. If the index fails, the item is in the list all the same, and has its turn."""
        with self._lock:
            super().append(entry.key)
            self.worker.call_safely(self._pending.add, entry)
        self._arrived.set()

    def pop(self, index: Any = -1) -> Any:
        """Return the next task, on the worker thread after running the jobs before it; on other threads, pop as a list does."""
        if threading.current_thread() is not self.worker.thread:
            return self._pop_plainly(index)
        self.worker.call_safely(self.worker.on_abandoned)
        while True:
            item = self._next(index)
            if item is None:
                # The task was withdrawn after the worker's `len`, or a job has run: wait here as its own loop would.
                restored = self._restored_queue()
                if restored:
                    return restored.pop(index)
                time.sleep(0.01)
            elif isinstance(item, WorkerJob):
                if self._remove(item):
                    self.worker.call_safely(item.run)
                    self.worker.call_safely(self.worker.handling.freed)
            elif (task := self._start(item)) is not None:
                break
            del item
        self.worker.call_safely(self.worker.on_started, task)
        self.worker.call_safely(self.worker.handling.prepare_for, task)
        return task

    def _pop_plainly(self, index: Any) -> Any:
        with self._lock:
            item = super().pop(index)
            self.worker.call_safely(self._pending.discard, item)
        return item

    def _next(self, index: Any) -> Any:
        """Return the item whose turn it is; None if the queue is empty."""
        with self._lock:
            entry = self.worker.call_safely(self._pending.next)
            if entry is not None:
                return entry.key
            return self[index] if self and not self._pending.is_paused else None

    def _start(self, item: Any) -> Any:
        """Return the host's task, removed from the queue; None if building it failed, or it was withdrawn in the meantime.

        It stays in the queue while it is built, and becomes `current` before it leaves: a request to stop it always finds it.
        """
        task = self._build(item) if isinstance(item, QueuedTask) else item
        failed = isinstance(task, events.Failed)
        self.worker.take(None if failed else task)
        if not self._remove(item):
            self.worker.take(None)
            return None
        if failed:
            self.worker.call_safely(self.worker.saves.emit, task)
            self.worker.call_safely(self.worker.handling.freed)
            return None
        return task

    def _remove(self, item: Any) -> bool:
        """Remove an item. Return False if another thread was faster."""
        with self._lock:
            self.worker.call_safely(self._pending.discard, item)
            try:
                self.remove(item)
            except ValueError:
                return False
        return True

    def _build(self, queued: QueuedTask) -> Any:
        """Return the host's task, or the failure event if building it fails."""
        try:
            task = queued.build()
            setattr(task, ID_ATTRIBUTE, queued.task_id)
            task.yields = TaskYields(self.worker, task, keep=False)
        except BaseException as error:  # any exception would end the worker's thread
            return events.Failed(queued.task_id, [], TaskError(type(error).__name__, str(error)))
        return task

    def _restored_queue(self) -> list[Any] | None:
        """Return the queue that has replaced this one, once the host's own was restored."""
        tasks: list[Any] | None = getattr(self.worker.host, "async_tasks", None)
        return None if tasks is self else tasks

    def _prepare(self, task: Any) -> QueueEntry:
        """Report a task of the WebUI, and return its entry."""
        task_id = new_task_id()
        setattr(task, ID_ATTRIBUTE, task_id)
        task.yields = TaskYields(self.worker, task, keep=True)
        parameters, images = self.worker.call_safely(self.worker.handling.describe, task) or ({}, {})
        self.worker.bus.emit(events.Queued(task_id, "webui", parameters, images))
        return QueueEntry(task, "webui", needs=model_needs(parameters), task_id=task_id)
