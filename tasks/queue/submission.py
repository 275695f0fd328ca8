"""Accepts tasks: checks a task, charges its quota, stores it in the database, then puts it into the host's queue."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from ...auth.keys import UNLIMITED, KeyQuota
from ..model.active_tasks import ActiveTask, ActiveTasks
from ..model.task import Task, new_task_id
from ..ports.engine import Engine
from ..storage.store import TaskStore
from .estimator import Estimator
from .model_downloads import Download, Downloader
from .quotas import QueueFull, charge

DEFAULT_RETRY_S = 10
"""Seconds to suggest for a retry if the running task's remaining time is unknown."""


class IdempotencyConflict(Exception):
    """The idempotency key was used for a different request before."""


@dataclass(frozen=True)
class Idempotency:
    """Identity of a request: `key` names it, `fingerprint` is equal for equal content. Both at most 64 characters."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Submission:
    """The task that answers a request; `is_replay` if an earlier request with its idempotency key created it."""

    task: Task
    is_replay: bool = False


class Submissions:
    """Accepts and enqueues tasks. `max_pending` is the number of pending tasks at which more are refused."""

    def __init__(
        self,
        engine: Engine,
        store: TaskStore,
        active: ActiveTasks,
        downloader: Downloader,
        estimator: Estimator,
        max_pending: int | None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._active = active
        self._downloader = downloader
        self._estimator = estimator
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
        within: KeyQuota = UNLIMITED,
        notes: dict[str, Any] | None = None,
    ) -> Submission:
        """Accept a task. It is in the database when this returns, and enters the host's queue in the order of its row.

        Args:
            downloads: files that the task needs. It stays pending until they are complete, and later tasks go first.
            webhook_url: receives the record of the ended task.
            base_url: the prefix of the URLs in that record.
            within: the quota of the task's source.
            notes: stored with the task.

        Raises:
            EngineUnavailable, ParameterError, DatabaseUnavailable, IdempotencyConflict, LimitReached: nothing was accepted.
        """
        task = Task(
            new_task_id(),
            source,
            parameters,
            webhook_url=webhook_url,
            downloads=self.noted(downloads),
            notes=notes or {},
            idempotency_key=idempotency.key if idempotency else None,
            fingerprint=idempotency.fingerprint if idempotency else None,
        )
        await asyncio.to_thread(self.check, parameters)
        as_accepted = task

        def accepted(answer: Task) -> None:
            nonlocal as_accepted
            as_accepted = replace(answer)  # before the worker can take it

        answer = await asyncio.shield(asyncio.wrap_future(self.offer(task, base_url, within, accepted=accepted)))
        if answer is not task:
            return Submission(_same(as_accepted, idempotency), is_replay=True)
        return Submission(as_accepted)

    def noted(self, downloads: Sequence[Download]) -> list[dict[str, str]]:
        """Return downloads as they are stored with a task or a batch that this process accepts."""
        return self._downloader.noted(downloads)

    def check(self, parameters: dict[str, Any]) -> None:
        """Check that the host accepts these parameters now.

        Raises:
            EngineUnavailable, ParameterError: it does not.
        """
        self._engine.check(parameters)

    def offer(
        self,
        task: Task,
        base_url: str,
        within: KeyQuota,
        *,
        also: Callable[[], None] = lambda: None,
        accepted: Callable[[Task], None] = lambda _: None,
    ) -> Future[Task]:
        """Store a checked task, or find the one of its idempotency key, and put it into the host's queue.

        Args:
            also: a change of the same transaction, after the charge of the quota; an exception rejects the task.
            accepted: gets the stored task before the worker can take it.

        Raises:
            DatabaseUnavailable, LimitReached: from the future; nothing was accepted.
        """
        workload = self._engine.workload(task.parameters)

        def admit() -> None:
            if self._max_pending is not None and self._store.count_pending() >= self._max_pending:
                raise QueueFull(self._max_pending, self._seconds_until_room())
            charge(task, workload.images, within, self._seconds_until_room)
            also()

        def on_commit(answer: Task) -> None:
            accepted(answer)
            if answer is task:
                self.enqueue(self._active.add(task, workload))

        limits = (self._max_pending, within.pending_tasks, within.images_per_day)
        is_limited = any(most is not None for most in limits)
        return self._store.store_new(task, workload, base_url, admit, on_commit, is_limited=is_limited)

    async def find_replay(self, idempotency: Idempotency) -> Submission | None:
        """Return the task that an earlier, identical request created, None without one.

        Raises:
            IdempotencyConflict: the key was used for a different request.
        """
        task = await self._store.with_idempotency_key(idempotency.key)
        return None if task is None else Submission(_same(task, idempotency), is_replay=True)

    def _seconds_until_room(self) -> int:
        """Return the seconds until the running task ends and the next one starts, at least 1."""
        running = self._active.running()
        seconds = self._estimator.remaining(running) if running else None
        return max(1, math.ceil(seconds)) if seconds is not None else DEFAULT_RETRY_S

    def enqueue(self, live: ActiveTask) -> None:
        """Put an accepted task into the host's queue, after the download of missing files if this process is to download them."""
        if not self._downloader.submit(live):
            self._engine.enqueue(live.task, live.workload)


def _same(task: Task, idempotency: Idempotency | None) -> Task:
    if idempotency is None or task.fingerprint != idempotency.fingerprint:
        raise IdempotencyConflict("the Idempotency-Key was used for a different request; use a new key")
    return task
