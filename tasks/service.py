"""The single interface to tasks for API and WebUI: look up, subscribe, stop, skip, move and delete; `intake` accepts new ones."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from ..auth.rate_limit import LimitReached as LimitReached
from ..db.deadline import Deadline
from ..db.repository import Repository
from ..db.writer import DatabaseUnavailable as DatabaseUnavailable
from ..images.file_journal import FileJournal
from ..images.input_store import InputStore
from ..images.preview import PreviewImage
from ..outbound.client import OutboundClient
from .history.leftovers import Leftovers
from .history.ownership import Ownership
from .history.queries import History
from .history.retention import Retention
from .lifecycle.lifecycle import TaskLifecycle
from .lifecycle.metrics import Metrics
from .lifecycle.recovery import Recovery
from .model import rows
from .model.active_tasks import ActiveTasks
from .model.outlook import Outlook
from .model.task import ACTIVE_STATUSES, Task, TaskStatus
from .ports.engine import Engine, Interruption, ShuttingDown
from .queue.estimator import Estimator
from .queue.eta import EtaCalculator
from .queue.model_downloads import Downloader
from .queue.submission import Submissions
from .streaming.broadcaster import Broadcaster
from .streaming.event_bus import EventBus
from .webhooks.delivery import Webhooks, WebhookSettings

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
WRITABLE_WITHIN = 3
"""Seconds after which a database without a successful write counts as unwritable."""
BUS_WITHIN = 5.0
"""Seconds that a shutdown waits for the handling of queued events."""


class UnknownTask(Exception):
    """The id belongs to no task."""


class WrongStatus(Exception):
    """The task's status does not permit the operation; the message names the status."""


class TaskService:
    """Keeps active tasks in memory, and all tasks in the database."""

    def __init__(
        self,
        engine: Engine,
        repository: Repository,
        bus: EventBus,
        claims: FileJournal,
        inputs: InputStore,
        max_pending: int | None = None,
        webhooks: WebhookSettings | None = None,
        outbound: OutboundClient | None = None,
    ) -> None:
        """Create the parts of the domain. `max_pending` is the number of pending tasks at which more are refused."""
        self._engine = engine
        self._repository = repository
        self._bus = bus
        self.broadcast = Broadcaster()
        self._live = ActiveTasks()
        self.webhooks = Webhooks(repository, webhooks or WebhookSettings(), outbound or OutboundClient())
        leftovers = Leftovers(engine, repository, claims)
        self._recovery = Recovery(engine, repository, claims, self.webhooks, leftovers)
        self.removal = Retention(repository, inputs, claims, leftovers)
        self.meter = Metrics()
        self.meter.gauge("queue_length", "Tasks that wait.", lambda: self.counts()["pending"])
        self.meter.gauge("tasks_running", "Tasks that run.", lambda: self.counts()["running"])
        self.meter.gauge("listeners", "Open event streams and waiting requests.", self.broadcast.listeners)
        self.meter.counter(
            "deliveries", "Updates handed to listeners since the start.", lambda: self.broadcast.delivered
        )
        self._estimator = Estimator(engine.steps)
        self._forecast = EtaCalculator(self._live, engine, self._estimator)
        self._tracker = TaskLifecycle(
            self._live,
            engine,
            repository,
            bus,
            self.broadcast,
            leftovers,
            inputs,
            self.removal,
            self._estimator,
            self._forecast,
            self.meter,
            self.webhooks,
        )
        self._downloader = Downloader(bus, self._live, engine)
        self.intake = Submissions(
            engine, repository, self._live, self._downloader, self._estimator, self.webhooks, max_pending
        )
        self.history = History(repository, self._live, engine)
        self.ownership = Ownership(repository, self._live, engine)
        self._closed = False
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._told: str | None = None

    def start(self) -> None:
        """Recover the tasks that an earlier process left unfinished, then start to handle worker events.

        Raises:
            DatabaseUnavailable: the history can't be read or written.
        """
        again = self._recovery.run()
        self._bus.start(self._tracker.apply)
        for task in again:
            self._live.add(task)
            self.intake.enqueue(task)

    def unwritable(self) -> str | None:
        """Return why the history can't be written now, without naming a path or host; None if it can. Waits up to
        `WRITABLE_WITHIN` seconds."""
        reason = self._repository.unwritable(WRITABLE_WITHIN)
        if reason is not None and reason != self._told:
            log.error("the history can't be written", extra={"reason": self._repository.problem or reason})
        self._told = reason
        return reason

    def leave(self) -> None:
        """End all subscriptions and waiting requests before the shutdown. Any thread."""
        self.broadcast.close()

    def close(self, within_s: float | None = None) -> None:
        """Write all outstanding changes and shut down; pending and running tasks resume at the next start. Any thread.

        Running tasks are put back first, as that write is essential; the end of one that still ends overwrites it.
        A second call waits until the first one is done.

        Args:
            within_s: seconds after which to return, finished or not. None waits until all images are saved.
        """
        deadline = Deadline(within_s)
        with self._lock:
            first, self._closed = not self._closed, True
        if not first:
            self._is_closed.wait(deadline.left())
            return
        try:
            self._close(deadline)
        finally:
            self._is_closed.set()

    def _close(self, deadline: Deadline) -> None:
        self._tracker.leave()
        running = self._live.of_status(TaskStatus.RUNNING, lambda live: live.task.source != "webui")
        for task in running.values():
            self._recovery.put_back(replace(task))
        self.webhooks.close()
        self._downloader.close()
        self.removal.close()
        half = deadline.half()
        self._bus.stop(BUS_WITHIN if half is None else half)
        self._tracker.close(deadline.half())
        self._repository.close(deadline.left())

    # ------------------------------------------------------------- reading

    async def get(self, task_id: str) -> Task:
        """Return a task in its current state.

        Raises:
            UnknownTask: the id belongs to no task.
        """
        live = self._live.get(task_id)
        if live is not None:
            return replace(live.task)
        row = await self._read(lambda: self._repository.get(task_id))
        if row is None:
            raise UnknownTask(task_id)
        return rows.from_row(row)

    def preview(self, task_id: str) -> PreviewImage | None:
        """Return the newest preview of a running task, None without one."""
        live = self._live.get(task_id)
        return live.preview if live else None

    def running(self) -> Task | None:
        """Return the running task, None without one."""
        return self._live.running()

    def counts(self) -> dict[str, int]:
        """Return the number of pending and running tasks."""
        return self._live.counts()

    def outlook(self, task: Task) -> Outlook:
        """Return a task's queue position and ETA. Not on an event loop."""
        return self._forecast.of(task)

    def outlooks(self, task_ids: Iterable[str]) -> dict[str, Outlook]:
        """Return the outlooks of those tasks that are in the queue, all from one snapshot. Not on an event loop."""
        return self._forecast.some(task_ids)

    async def wait(self, task_id: str) -> Task:
        """Wait for a task's end, without polling, and return the ended task.

        Raises:
            UnknownTask: the id belongs to no task.
            ShuttingDown: Fooocus is shutting down; the task resumes at the next start.
        """
        with self.broadcast.subscribe(task_id, only_end=True) as subscription:
            task = await self.get(task_id)  # after subscribing, so that no update is missed
            if not task.status.is_terminal:
                async for update in subscription.updates():
                    task = update.task
        if not task.status.is_terminal:
            raise ShuttingDown(f"Fooocus is ending; task {task_id} goes on when it is started again")
        return task

    # ------------------------------------------------------------- control

    async def stop(self, task_id: str) -> bool:
        """Stop a pending or running task, and no other. Return False if it had ended already."""
        return await asyncio.to_thread(
            lambda: (  # in the order in which a task passes through them
                self._downloader.cancel(task_id)
                or self._engine.withdraw(task_id)
                or self._engine.interrupt(task_id, "stop")
            )
        )

    def skip(self, task_id: str) -> bool:
        """Skip the current image of a running task. Return False if the task is not running."""
        return self._engine.interrupt(task_id, "skip")

    def interrupt_running(self, how: Interruption, source: str | None = None) -> str | None:
        """Stop the running task or skip its current image, and return its id. None without a running task, or if it is not
        from `source`."""
        task = self.running()
        if task is None or source not in (None, task.source):
            return None
        return task.task_id if self._engine.interrupt(task.task_id, how) else None

    async def move_to_front(self, task_id: str) -> bool:
        """Move a pending task to the front of the queue, also for a restart. Return False if it is not in the queue."""
        live = self._live.get(task_id)
        if live is None or not self._engine.move_to_front(task_id):
            return False

        def change() -> None:
            live.task.rank = self._repository.lowest_rank(ACTIVE_STATUSES) - 1
            self._repository.update(task_id, {"rank": live.task.rank})

        await asyncio.wrap_future(self._repository.write(change))
        return True

    async def delete(self, task_id: str) -> Task:
        """Delete an ended task and its images, or cancel a pending one. Return the task in its last state.

        Raises:
            UnknownTask: the id belongs to no task.
            WrongStatus: the task is running.
        """
        task = await self.get(task_id)
        if task.status is TaskStatus.PENDING and await self.stop(task_id):
            return await self.wait(task_id)
        task = await self.get(task_id)
        if not task.status.is_terminal:
            raise WrongStatus(f"task {task_id} is {task.status.value}; stop it first")
        await asyncio.to_thread(self.removal.remove, [task])
        return task

    async def _read(self, query: Callable[[], T]) -> T:
        answer: Future[T] = self._repository.read(query)
        return await asyncio.wrap_future(answer)
