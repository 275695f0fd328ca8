"""The one door to tasks, for API and WebUI alike: look up, listen, stop, skip, move, delete; `intake` is where they come in."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from ..db.deadline import Deadline
from ..db.repository import Repository
from ..db.writer import DatabaseUnavailable as DatabaseUnavailable
from . import storage
from .broadcast import Broadcast
from .bus import EventBus
from .claims import Claims
from .downloads import Downloader
from .engine import Engine, EngineUnavailable, Interruption
from .estimate import Estimator
from .forecast import Forecast, Outlook
from .history import History
from .inputs import InputStore
from .intake import Intake
from .leftovers import Leftovers
from .limits import LimitReached as LimitReached
from .live import LiveTasks
from .meter import Meter
from .outbound import Outbound
from .ownership import Ownership
from .preview import PreviewImage
from .recovery import Recovery
from .removal import Removal
from .task import LIVE_VALUES, Task, TaskStatus
from .tracker import Tracker
from .webhooks import Webhooks, WebhookSettings

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
WRITABLE_WITHIN = 3
"""Seconds after which a database that has not written counts as one that can't."""
BUS_WITHIN = 5.0
"""Seconds that an end waits until what the worker has told is handled."""


class UnknownTask(Exception):
    """There is no task of that id."""


class WrongStatus(Exception):
    """The task is not in a status in which that can be done; the message says so."""


class TaskService:
    """Keeps the living tasks in memory and all of them in the database."""

    def __init__(
        self,
        engine: Engine,
        repository: Repository,
        bus: EventBus,
        claims: Claims,
        inputs: InputStore,
        max_pending: int | None = None,
        webhooks: WebhookSettings | None = None,
        outbound: Outbound | None = None,
    ) -> None:
        """`max_pending` is how many tasks may wait before more are refused."""
        self._engine = engine
        self._repository = repository
        self._bus = bus
        self.broadcast = Broadcast()
        self._live = LiveTasks()
        self.webhooks = Webhooks(repository, webhooks or WebhookSettings(), outbound or Outbound())
        leftovers = Leftovers(engine, repository, claims)
        self._recovery = Recovery(engine, repository, claims, self.webhooks, leftovers)
        self.removal = Removal(repository, inputs, claims, leftovers)
        self.meter = Meter()
        self.meter.gauge("queue_length", "Tasks that wait.", lambda: self.counts()["pending"])
        self.meter.gauge("tasks_running", "Tasks that run.", lambda: self.counts()["running"])
        self.meter.gauge("listeners", "Open event streams and waiting requests.", self.broadcast.listeners)
        self.meter.counter(
            "deliveries", "Updates handed to listeners since the start.", lambda: self.broadcast.delivered
        )
        self._estimator = Estimator(engine.steps)
        self._forecast = Forecast(self._live, engine, self._estimator)
        self._tracker = Tracker(
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
        self.intake = Intake(
            engine, repository, self._live, self._downloader, self._estimator, self.webhooks, max_pending
        )
        self.history = History(repository, self._live, engine)
        self.ownership = Ownership(repository, self._live, engine)
        self._closed = False
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._told: str | None = None

    def start(self) -> None:
        """Take up what an earlier process left unfinished, then begin to follow the worker.

        Raises:
            DatabaseUnavailable: the history can't be read or written.
        """
        again = self._recovery.run()
        self._bus.start(self._tracker.apply)
        for task in again:
            self._live.add(task)
            self.intake.enqueue(task)

    def unwritable(self) -> str | None:
        """Return why the history can't be written at this moment, in words that tell no place; None when it can. It waits a
        little for that."""
        reason = self._repository.unwritable(WRITABLE_WITHIN)
        if reason is not None and reason != self._told:
            log.error("the history can't be written", extra={"reason": self._repository.problem or reason})
        self._told = reason
        return reason

    def leave(self) -> None:
        """Fooocus is about to end: let everyone go who waits or listens. Any thread."""
        self.broadcast.close()

    def close(self, within_s: float | None = None) -> None:
        """Write what is still to be written; what waits and what runs goes on at the next start. Any thread.

        Running tasks are put back first, as that must not be missed; the end of one that ends meanwhile is written over it.
        A second call waits until the first one is done.

        Args:
            within_s: seconds after which to return, whatever is not finished by then. None waits for what is being saved.
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

    # ----------------------------------------------------------------- out

    async def get(self, task_id: str) -> Task:
        """A task as it is now.

        Raises:
            UnknownTask: there is none of that id.
        """
        live = self._live.get(task_id)
        if live is not None:
            return replace(live.task)
        row = await self._read(lambda: self._repository.get(task_id))
        if row is None:
            raise UnknownTask(task_id)
        return storage.from_row(row)

    def preview(self, task_id: str) -> PreviewImage | None:
        """The newest picture of a running task, if it has one."""
        live = self._live.get(task_id)
        return live.preview if live else None

    def running(self) -> Task | None:
        """The task the worker has in hand."""
        return self._live.running()

    def counts(self) -> dict[str, int]:
        """How many tasks wait and run."""
        return self._live.counts()

    def outlook(self, task: Task) -> Outlook:
        """Where a waiting task stands, and when it or the running one will be done. Not on an event loop."""
        return self._forecast.of(task)

    def outlooks(self, task_ids: Iterable[str]) -> dict[str, Outlook]:
        """Return the same of several, as far as they wait in the queue; at one moment for all."""
        return self._forecast.some(task_ids)

    async def wait(self, task_id: str) -> Task:
        """The task once it has ended. Woken by its last update.

        Raises:
            EngineUnavailable: Fooocus ends; the task is drawn when it is started again.
        """
        with self.broadcast.subscribe(task_id, only_end=True) as subscription:
            task = await self.get(task_id)  # only now: nothing is missed
            if not task.status.is_terminal:
                async for update in subscription.updates():
                    task = update.task
        if not task.status.is_terminal:
            raise EngineUnavailable(f"Fooocus is ending; task {task_id} goes on when it is started again")
        return task

    # ------------------------------------------------------------- control

    async def stop(self, task_id: str) -> bool:
        """End a task, pending or running, and leave all others alone. False when it had ended already."""
        return await asyncio.to_thread(
            lambda: (  # in the order in which it goes from one to the next
                self._downloader.cancel(task_id)
                or self._engine.withdraw(task_id)
                or self._engine.interrupt(task_id, "stop")
            )
        )

    def skip(self, task_id: str) -> bool:
        """Go on with the next image of a running task. False when it is not the running one."""
        return self._engine.interrupt(task_id, "skip")

    def interrupt_running(self, how: Interruption, source: str | None = None) -> str | None:
        """Stop the running task or skip its current image, with `source` only if it is from there. Its id, or None when
        nothing runs."""
        task = self.running()
        if task is None or source not in (None, task.source):
            return None
        return task.task_id if self._engine.interrupt(task.task_id, how) else None

    async def move_to_front(self, task_id: str) -> bool:
        """Let a pending task be the next, also after a restart. False when it does not wait in the queue."""
        live = self._live.get(task_id)
        if live is None or not self._engine.move_to_front(task_id):
            return False

        def change() -> None:
            live.task.rank = self._repository.lowest_rank(LIVE_VALUES) - 1
            self._repository.update(task_id, {"rank": live.task.rank})

        await asyncio.wrap_future(self._repository.write(change))
        return True

    async def delete(self, task_id: str) -> Task:
        """Delete an ended task and its images, or cancel a pending one. The task as it is then.

        Raises:
            UnknownTask: there is none of that id.
            WrongStatus: it is running.
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
