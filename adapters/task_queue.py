"""The host's queue, and each task's `yields`, in forms that tell what is done with them. Called by the host and by the engine.

Whatever happens here must not reach the worker: its `len`, `pop` and the `append` in its `except` run outside any guard,
and an exception there ends its thread for good. Each override does what the plain list does, and guards the rest.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import copy
import threading
import time
from typing import TYPE_CHECKING, Any

from ..tasks import events
from ..tasks.schedule import Entry, Needs
from ..tasks.task import TaskError, new_task_id
from .job import Job, Ticket

if TYPE_CHECKING:
    from .worker import Worker

ID_ATTRIBUTE = "fooocus_api_task_id"
ENTRY_ATTRIBUTE = "fooocus_api_entry"
FORECAST = 1000
"""Tasks whose places are foretold; those behind are counted as they came."""


class TaskQueue(list[Any]):
    """The host's `async_tasks`: `append` is a task queued, `pop` a task started. Jobs stand in the same line.

    The items lie in the order of their arrival; which one is next is the schedule's choice, made when the worker pops.
    """

    def __init__(self, worker: Worker, tasks: list[Any]) -> None:
        super().__init__(tasks)
        self.worker = worker
        self._changes = 0
        self._foretold: tuple[int, list[str]] = (-1, [])

    def append(self, task: Any) -> None:
        self.worker.guarded(self._prepare, task)
        super().append(task)
        self._changes += 1

    def append_job(self, job: Job) -> None:
        """Put in line what is no task."""
        super().append(job)
        self._changes += 1

    def append_ticket(self, ticket: Ticket) -> None:
        """Put in line a task of ours."""
        self.worker.bus.emit(events.Queued(ticket.task_id))
        super().append(ticket)
        self._changes += 1

    def take(self, task_id: str) -> Any:
        """The item that stands for a task, out of the line now; None when it does not wait (any more)."""
        item = next((item for item in list(self) if _id_of(item) == task_id), None)
        return item if item is not None and self._remove(item) else None

    def put_first(self, item: Any) -> None:
        """Let an item that was taken be the next."""
        entry_of(item).front = True
        self.insert(0, item)
        self._changes += 1

    def order(self) -> list[str]:
        """The ids of the tasks that wait, the next one first, as far as can be foretold. Not on the worker's thread."""
        changes, items = self._changes, list(self)
        if self._foretold[0] != changes:
            entries = [entry_of(item) for item in items[:FORECAST]]
            order = [*self.worker.schedule.order(entries, time.monotonic()), *items[FORECAST:]]
            self._foretold = changes, [task_id for item in order if (task_id := _id_of(item)) is not None]
        return self._foretold[1]

    def pop(self, index: Any = -1) -> Any:
        """The next task. On the worker thread the jobs before it are done first; for others this is a list's pop."""
        if threading.current_thread() is not self.worker.thread:
            return super().pop(index)
        self.worker.guarded(self.worker.abandoned)
        while True:
            item = self._next(index)
            if item is None:
                # Withdrawn after the worker had counted, or a job that was done: wait here as its own loop would.
                elsewhere = self._elsewhere()
                if elsewhere:
                    return elsewhere.pop(index)
                time.sleep(0.01)
            elif isinstance(item, Job):
                if self._remove(item):
                    self.worker.guarded(item.run)
            elif (task := self._begun(item)) is not None:
                break
            del item
        self.worker.guarded(self.worker.started, task)
        self.worker.guarded(self.worker.before_task, task)
        return task

    def _next(self, index: Any) -> Any:
        """The item whose turn it is; None when there is none."""
        items = list(self)
        if not items:
            return None
        chosen = self.worker.guarded(self._chosen, items)
        return items[index if chosen is None else chosen]

    def _begun(self, item: Any) -> Any:
        """The host's task, out of the line; None when it can't be made, and has failed, or was withdrawn meanwhile.

        It waits while it is made, and is the worker's before it leaves the line: whoever stops it finds it here or there.
        """
        task = self._built(item) if isinstance(item, Ticket) else item
        failed = isinstance(task, events.Failed)
        self.worker.current = None if failed else task
        if not self._remove(item):
            self.worker.current = None
            return None
        if failed:
            self.worker.guarded(self.worker.bus.emit, task)
            return None
        return task

    def _chosen(self, items: list[Any]) -> int:
        return self.worker.schedule.pick([entry_of(item) for item in items], time.monotonic())

    def _remove(self, item: Any) -> bool:
        """Take an item out. False when somebody was quicker."""
        try:
            self.remove(item)
        except ValueError:
            return False
        self._changes += 1
        return True

    def _built(self, ticket: Ticket) -> Any:
        """The host's task, or how it fails when it can't be made."""
        try:
            task = ticket.build()
            setattr(task, ID_ATTRIBUTE, ticket.task_id)
            task.yields = TaskYields(self.worker, task, keep=False)
        except BaseException as error:  # whatever it is, it would end the worker's thread
            return events.Failed(ticket.task_id, [], TaskError(type(error).__name__, str(error)))
        return task

    def _elsewhere(self) -> list[Any] | None:
        """The queue in place of this one, once the host has been given its own back."""
        tasks: list[Any] | None = getattr(self.worker.host, "async_tasks", None)
        return None if tasks is self else tasks

    def _prepare(self, task: Any) -> None:
        task_id = new_task_id()
        setattr(task, ID_ATTRIBUTE, task_id)
        task.yields = TaskYields(self.worker, task, keep=True)
        parameters, images = self.worker.guarded(self.worker.describe, task) or ({}, {})
        setattr(task, ENTRY_ATTRIBUTE, Entry(task, "webui", needs=Needs.of(parameters)))
        self.worker.bus.emit(events.Queued(task_id, "webui", parameters, images))


class TaskYields(list[Any]):
    """A task's `yields`. Kept for the WebUI, which reads and empties them; nobody else does, so others would pile up."""

    def __init__(self, worker: Worker, task: Any, *, keep: bool) -> None:
        super().__init__(task.yields)
        self._worker = worker
        self._task = task
        self._keep = keep
        self._ended = False

    def append(self, item: Any) -> None:
        if self._keep:
            super().append(item)
        if not self._ended:  # the host appends a second `finish` when something breaks after the first
            self._worker.guarded(self._tell, item)

    def _tell(self, item: Any) -> None:
        flag, product = item
        if flag == "finish":
            self._ended = True
            self._worker.finished(self._task, product)
        else:
            self._worker.yielded(self._task, item)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return copy.deepcopy(list(self), memo)

    def __reduce_ex__(self, _: Any) -> Any:
        return list, (list(self),)


def entry_of(item: Any) -> Entry:
    """What the schedule knows of an item; it is remembered, for it counts."""
    ours = isinstance(item, Ticket | Job)
    entry: Entry = item.entry if ours else vars(item).setdefault(ENTRY_ATTRIBUTE, Entry(item))
    entry.key = item
    return entry


def _id_of(item: Any) -> str | None:
    return item.task_id if isinstance(item, Ticket) else getattr(item, ID_ATTRIBUTE, None)
