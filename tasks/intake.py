"""How a task comes in: checked, charged, in the database, then in the host's queue. The service's part for who submits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..db.repository import Repository
from . import storage
from .downloads import Download, Downloader
from .engine import Engine
from .estimate import Estimator
from .history import Filter
from .keys import NO_LIMITS, KeyLimits
from .limits import QueueFull, charge
from .live import LiveTasks
from .task import Task, TaskStatus, new_task_id
from .webhooks import Webhooks

USUAL_RETRY = 10
"""Seconds, where nothing is known of the tasks ahead."""
WAITING = Filter(statuses=(TaskStatus.PENDING.value,))


class IdempotencyConflict(Exception):
    """The key was given with another request before."""


@dataclass(frozen=True)
class Idempotency:
    """Which request it is: `key` names it, `fingerprint` is the same for the same content. Both at most 64 characters."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Submission:
    """The task that answers a request; `repeated` when it answered the same request before."""

    task: Task
    repeated: bool = False


class Intake:
    """`max_pending` is how many tasks may wait before more are refused."""

    def __init__(
        self,
        engine: Engine,
        repository: Repository,
        live: LiveTasks,
        downloader: Downloader,
        estimator: Estimator,
        webhooks: Webhooks,
        max_pending: int | None,
    ) -> None:
        self._engine = engine
        self._repository = repository
        self._live = live
        self._downloader = downloader
        self._estimator = estimator
        self._webhooks = webhooks
        self._max_pending = max_pending

    async def submit(
        self,
        parameters: dict[str, Any],
        *,
        source: str = "api",
        downloads: Sequence[Download] = (),
        idempotency: Idempotency | None = None,
        webhook_url: str = "",
        base_url: str = "",
        within: KeyLimits = NO_LIMITS,
        notes: dict[str, Any] | None = None,
    ) -> Submission:
        """Accept a task: it is in the database before this returns, and in the host's queue in the order of its row.

        With `downloads` it waits, pending, until these files are there, and others go first. `webhook_url` is told its end, in
        a record whose URLs begin with `base_url`. `within` is how much its source may ask for. `notes` go with the task.

        Raises:
            EngineUnavailable, ParameterError, DatabaseUnavailable, IdempotencyConflict, LimitReached: nothing was accepted.
        """
        files = [download.to_json() for download in downloads]
        task = Task(new_task_id(), source, parameters, webhook_url=webhook_url, downloads=files, notes=notes or {})
        if idempotency is not None:
            task.idempotency_key, task.fingerprint = idempotency.key, idempotency.fingerprint
        await asyncio.to_thread(self._engine.check, parameters)
        row, inputs = storage.to_row(task), list(storage.inputs_of(parameters))

        def accept() -> Task:
            earlier = self._repository.with_idempotency_key(idempotency.key) if idempotency else None
            if earlier is not None:
                return _same(storage.from_row(earlier), idempotency)
            if self._max_pending is not None and self._repository.count(WAITING)[0] >= self._max_pending:
                raise QueueFull(self._max_pending, self._seconds_until_room())
            charge(task, within, self._seconds_until_room)
            task.id = task.rank = self._repository.insert(row, inputs)
            self._webhooks.accept(task, base_url)
            return task

        as_accepted = task

        def accepted(answer: Task) -> None:
            nonlocal as_accepted
            as_accepted = replace(answer)  # before the worker can take it
            if answer is task:
                self._live.add(task)
                self.enqueue(task)

        answer = await asyncio.shield(asyncio.wrap_future(self._repository.write(accept, accepted)))
        return Submission(as_accepted, repeated=answer is not task)

    async def repeated(self, idempotency: Idempotency) -> Submission | None:
        """The task that answered this request before, if there is one.

        Raises:
            IdempotencyConflict: the key was given with another request.
        """
        row = await asyncio.wrap_future(
            self._repository.read(lambda: self._repository.with_idempotency_key(idempotency.key))
        )
        return None if row is None else Submission(_same(storage.from_row(row), idempotency), repeated=True)

    def _seconds_until_room(self) -> int:
        """Until the running task is done and the next one is started."""
        running = self._live.running()
        seconds = self._estimator.remaining(running) if running else None
        return max(1, math.ceil(seconds)) if seconds is not None else USUAL_RETRY

    def enqueue(self, task: Task) -> None:
        """Put an accepted task into the host's queue, once the files are there that it needs."""
        downloads = [Download.from_json(item) for item in task.downloads]
        if any(not download.path.is_file() for download in downloads):
            self._downloader.submit(task, downloads)
        else:
            self._engine.enqueue(task)


def _same(task: Task, idempotency: Idempotency | None) -> Task:
    if idempotency is None or task.fingerprint != idempotency.fingerprint:
        raise IdempotencyConflict("this Idempotency-Key came with another request before")
    return task
