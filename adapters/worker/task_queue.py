"""The host's queue and each task's `yields` as list subclasses that report their changes.

Exceptions here must not reach the worker: its `len`, `pop` and the `append` in its `except` run outside any `try`, and an
exception there ends its thread permanently. Each override does what the plain list does, and guards the rest.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import copy
import threading
import time
from typing import TYPE_CHECKING, Any

from ...tasks.model import events
from ...tasks.model.task import TaskError, new_task_id
from ...tasks.queue.scheduler import QueueEntry
from ..task_args.workload_fields import model_needs
from .queue_items import QueuedTask, WorkerJob

if TYPE_CHECKING:
    from .worker import Worker

ID_ATTRIBUTE = "fooocus_api_task_id"
ENTRY_ATTRIBUTE = "fooocus_api_entry"
MAX_ORDERED = 1000
"""Number of tasks whose order is predicted; those behind them are listed in order of arrival."""


class TaskQueue(list[Any]):
    """The host's `async_tasks`: `append` queues a task, `pop` starts one. Jobs are in the same queue.

    The items are in order of arrival; the scheduler chooses the next one when the worker pops.
    """

    def __init__(self, worker: Worker, tasks: list[Any]) -> None:
        super().__init__(tasks)
        self.worker = worker
        self._changes = 0
        self._order_cache: tuple[int, list[str]] = (-1, [])

    def append(self, task: Any) -> None:
        self.worker.call_safely(self._prepare, task)
        super().append(task)
        self._changes += 1

    def append_job(self, job: WorkerJob) -> None:
        """Queue a job that is not a task."""
        super().append(job)
        self._changes += 1

    def append_task(self, ticket: QueuedTask) -> None:
        """Queue a task of the API."""
        self.worker.bus.emit(events.Queued(ticket.task_id))
        super().append(ticket)
        self._changes += 1

    def remove_task(self, task_id: str) -> Any:
        """Remove the item of a task and return it; None if the task is not pending (any more)."""
        item = next((item for item in list(self) if _id_of(item) == task_id), None)
        return item if item is not None and self._remove(item) else None

    def put_front(self, item: Any) -> None:
        """Insert a removed item as the next one."""
        entry_of(item).front = True
        self.insert(0, item)
        self._changes += 1

    def order(self) -> list[str]:
        """Return the ids of the pending tasks in their predicted order, the next one first. Not on the worker's thread."""
        changes, items = self._changes, list(self)
        if self._order_cache[0] != changes:
            entries = [entry_of(item) for item in items[:MAX_ORDERED]]
            order = [*self.worker.handling.scheduler.order(entries, time.monotonic()), *items[MAX_ORDERED:]]
            self._order_cache = changes, [task_id for item in order if (task_id := _id_of(item)) is not None]
        return self._order_cache[1]

    def pop(self, index: Any = -1) -> Any:
        """Return the next task, on the worker thread after running the jobs before it; on other threads, pop as a list does."""
        if threading.current_thread() is not self.worker.thread:
            return super().pop(index)
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
            elif (task := self._start(item)) is not None:
                break
            del item
        self.worker.call_safely(self.worker.on_started, task)
        self.worker.call_safely(self.worker.handling.prepare_for, task)
        return task

    def _next(self, index: Any) -> Any:
        """Return the item whose turn it is; None if the queue is empty."""
        items = list(self)
        if not items:
            return None
        chosen = self.worker.call_safely(self._choose, items)
        return items[index if chosen is None else chosen]

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
            self.worker.call_safely(self.worker.bus.emit, task)
            return None
        return task

    def _choose(self, items: list[Any]) -> int:
        return self.worker.handling.scheduler.next([entry_of(item) for item in items], time.monotonic())

    def _remove(self, item: Any) -> bool:
        """Remove an item. Return False if another thread was faster."""
        try:
            self.remove(item)
        except ValueError:
            return False
        self._changes += 1
        return True

    def _build(self, ticket: QueuedTask) -> Any:
        """Return the host's task, or the failure event if building it fails."""
        try:
            task = ticket.build()
            setattr(task, ID_ATTRIBUTE, ticket.task_id)
            task.yields = TaskYields(self.worker, task, keep=False)
        except BaseException as error:  # any exception would end the worker's thread
            return events.Failed(ticket.task_id, [], TaskError(type(error).__name__, str(error)))
        return task

    def _restored_queue(self) -> list[Any] | None:
        """Return the queue that has replaced this one, once the host's own was restored."""
        tasks: list[Any] | None = getattr(self.worker.host, "async_tasks", None)
        return None if tasks is self else tasks

    def _prepare(self, task: Any) -> None:
        task_id = new_task_id()
        setattr(task, ID_ATTRIBUTE, task_id)
        task.yields = TaskYields(self.worker, task, keep=True)
        parameters, images = self.worker.call_safely(self.worker.handling.describe, task) or ({}, {})
        setattr(task, ENTRY_ATTRIBUTE, QueueEntry(task, "webui", needs=model_needs(parameters)))
        self.worker.bus.emit(events.Queued(task_id, "webui", parameters, images))


class TaskYields(list[Any]):
    """A task's `yields`. Items are kept only for the WebUI, which reads and removes them; for other tasks they would pile up."""

    def __init__(self, worker: Worker, task: Any, *, keep: bool) -> None:
        super().__init__(task.yields)
        self._worker = worker
        self._task = task
        self._keep = keep
        self._ended = False

    def append(self, item: Any) -> None:
        if self._keep:
            super().append(item)
        if not self._ended:  # the host appends a second `finish` if something fails after the first
            self._worker.call_safely(self._report, item)

    def _report(self, item: Any) -> None:
        flag, product = item
        if flag == "finish":
            self._ended = True
            self._worker.on_finish(self._task, product)
        else:
            self._worker.on_yield(self._task, item)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return copy.deepcopy(list(self), memo)

    def __reduce_ex__(self, _: Any) -> Any:
        return list, (list(self),)


def entry_of(item: Any) -> QueueEntry:
    """Return an item's scheduling entry; it is stored, because it counts overtakes."""
    is_from_api = isinstance(item, QueuedTask | WorkerJob)
    entry: QueueEntry = item.entry if is_from_api else vars(item).setdefault(ENTRY_ATTRIBUTE, QueueEntry(item))
    entry.key = item
    return entry


def _id_of(item: Any) -> str | None:
    return item.task_id if isinstance(item, QueuedTask) else getattr(item, ID_ATTRIBUTE, None)
