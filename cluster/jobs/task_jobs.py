"""The one place where a task's row and its job change together. All functions run on the writer's thread, in one transaction."""

from __future__ import annotations

import json
import threading
from typing import Any

from peewee import Database
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from ...db.statements import daily_counts, writes
from ...db.statements.cluster import raw
from ...tasks.model.task import MOVED_TO_END, Task, TaskStatus
from ...tasks.model.workload.workload import ModelNeeds, Workload
from .connector import ThreadConnector, at_once

MAX_ATTEMPTS = 2
"""Attempts of a task that each ended with their process, or with its disk full, after which it fails."""
DISK_FULL = ("[Errno 28]", "[WinError 112]")
"""Beginnings of the system's messages for a disk without space, on POSIX and on Windows."""
GENERATE = "generate"
"""Name of the engine's task for all jobs."""


class Claims:
    """The tasks that this process has claimed, each with the number of its attempt: the fence of its later changes."""

    def __init__(self) -> None:
        self._attempts: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, task_id: str, attempts: int) -> None:
        with self._lock:
            self._attempts[task_id] = attempts

    def discard(self, task_id: str, attempts: int | None = None) -> None:
        """Release a claim, of this attempt alone if one is given."""
        with self._lock:
            if attempts is None or self._attempts.get(task_id) == attempts:
                self._attempts.pop(task_id, None)

    def get(self, task_id: str) -> int | None:
        """Return the number of the claimed attempt, None for a task that this process has not claimed."""
        with self._lock:
            return self._attempts.get(task_id)

    def task_ids(self) -> list[str]:
        with self._lock:
            return list(self._attempts)


class TaskJobs:
    """Implements `tasks.storage.jobs.Jobs` for one process, by its name and the id of its worker in the engine's table."""

    def __init__(self, database: Database, node: str, claims: Claims) -> None:
        self._database = database
        self._node = node
        self.claims = claims
        """The tasks that this process has claimed."""
        self._manager = JobManager(ThreadConnector(database))
        self.worker = -1
        """Id of this process in the engine's table of workers, -1 before `register`."""

    @property
    def database(self) -> Database:
        """The database of rows and jobs."""
        return self._database

    @property
    def manager(self) -> JobManager:
        """The engine's own operations."""
        return self._manager

    def register(self) -> int:
        """Register this process with the engine, and return its id."""
        self.worker = int(at_once(self._manager.register_worker()))
        return self.worker

    # ---------------------------------------------------------- tasks.storage.jobs

    def mark(self, task: Task) -> None:
        task.node, task.worker = self._node, self.worker

    def accepted(self, task: Task, workload: Workload) -> None:
        job = Job(
            queue=task.task_id,
            lock=None,
            queueing_lock=None,
            task_name=GENERATE,
            priority=workload.priority,
            task_kwargs=arguments_of(task, workload),
        )
        self._manager.defer_job(job)

    def is_mine(self, task_id: str) -> bool:
        return self.claims.get(task_id) is not None

    def may_change(self, task_id: str) -> bool:
        attempts = self.claims.get(task_id)
        if attempts is not None:
            return self._locked(
                "task_id = %s AND status = 'running' AND worker = %s AND attempts = %s", task_id, self.worker, attempts
            )
        # One without a claim is pending, or a click in this process's WebUI.
        return self._locked(
            "task_id = %s AND (status = 'pending' OR (status = 'running' AND source = 'webui')) "
            "AND (worker IS NULL OR worker = %s)",
            task_id,
            self.worker,
        )

    def ended(self, task_id: str) -> None:
        # The engine's own function refuses a job of another state, which an end of the task does not care for.
        raw.change(self._database, "DELETE FROM procrastinate_jobs WHERE queue_name = %s", (task_id,))

    def released(self, task_id: str) -> None:
        writes.update(task_id, {"node": None, "worker": None})
        job_id = self._job_id(task_id, "doing")
        if job_id is not None:
            self._retry(job_id)

    def retried(self, task: Task) -> bool:
        if task.source == "webui" or task.error is None or not task.error.message.startswith(DISK_FULL):
            return False
        attempts = self.claims.get(task.task_id)
        if attempts is None or attempts >= MAX_ATTEMPTS or not self.may_change(task.task_id):
            return False
        self.put_back(task.task_id, task.rank, attempts)
        return True

    # ------------------------------------------------------------- of the cluster

    def has_waiting(self) -> bool:
        """Return whether a job waits. A read: idle nodes that wake up together need not queue for the lock of the claim."""
        return bool(raw.first(self._database, "SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' LIMIT 1"))

    def claim(self, task_id: str, now_ms: int) -> int | None:
        """Claim a waiting task for this process. Return the number of its attempt, None if another process was faster."""
        # The row first, as in all other changes: two transactions never wait for each other.
        row = raw.first(
            self._database,
            "SELECT id, attempts, queued_at FROM task WHERE task_id = %s AND status = 'pending' FOR UPDATE SKIP LOCKED",
            (task_id,),
        )
        if row is None or at_once(self._manager.fetch_job([task_id], self.worker)) is None:
            return None
        row_id, attempts, queued_at = row
        raw.change(
            self._database,
            "UPDATE task SET status = 'running', node = %s, worker = %s, attempts = %s, started_at = %s WHERE id = %s",
            (self._node, self.worker, attempts + 1, now_ms, row_id),
        )
        daily_counts.move(TaskStatus.PENDING.value, TaskStatus.RUNNING.value, queued_at)
        return int(attempts) + 1

    def put_back(self, task_id: str, rank: int, attempts: int) -> None:
        """Put a running task back into the queue at this rank. Its row is locked by this transaction."""
        values = {"status": TaskStatus.PENDING.value, "rank": rank, "attempts": attempts, "node": None, "worker": None}
        writes.update(task_id, {**values, "started_at": -1, "progress": 0, "title": ""})
        self.released(task_id)
        self._note(task_id, {"rank": rank, "last": False})

    def give_back(self, task_id: str) -> bool:
        """Put a task that this process has claimed and not begun back into the queue, as if it had not been claimed."""
        row = raw.first(
            self._database,
            "SELECT rank, attempts FROM task WHERE task_id = %s AND status = 'running' AND worker = %s FOR UPDATE",
            (task_id, self.worker),
        )
        if row is None:
            self.ended(task_id)  # a job whose task has ended, or another process has
            return False
        rank, attempts = row
        self.put_back(task_id, rank, attempts - 1)
        return True

    def held(self) -> list[str]:
        """Return the tasks whose jobs are claimed by this process."""
        rows = raw.rows(
            self._database,
            "SELECT queue_name FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %s",
            (self.worker,),
        )
        return [task_id for (task_id,) in rows]

    def withdraw(self, task_id: str) -> bool:
        """Lock a waiting task, so that its end can be written in this transaction. Return False if it has started or ended."""
        return self._locked("task_id = %s AND status = 'pending' AND worker IS NULL", task_id)

    def request_stop(self, task_id: str) -> bool:
        """Leave the wish that the task's node stops it, which the node finds even if the notice is lost."""
        if not self._locked("task_id = %s AND status = 'running'", task_id):
            return False
        job_id = self._job_id(task_id, "doing")
        return job_id is not None and self._manager.cancel_job_by_id(job_id, abort=True)

    def stopped_and_waiting(self) -> list[str]:
        """Return the waiting tasks that were to be stopped when their node gave them back. No node claims them."""
        rows = raw.rows(
            self._database,
            "SELECT queue_name FROM procrastinate_jobs WHERE status = 'todo' AND args ? 'stop'",
        )
        return [task_id for (task_id,) in rows]

    def to_stop(self) -> list[str]:
        """Return the tasks that this process runs and is to stop."""
        rows = raw.rows(
            self._database,
            "SELECT queue_name FROM procrastinate_jobs WHERE status = 'doing' AND abort_requested AND worker_id = %s",
            (self.worker,),
        )
        return [task_id for (task_id,) in rows]

    def has_job(self, task_id: str) -> bool:
        """Return whether the task has a job that waits or is claimed."""
        return any(self._job_id(task_id, status) is not None for status in ("todo", "doing"))

    def is_to_stop(self, task_id: str) -> bool:
        """Return whether a client has asked to stop the task."""
        return bool(
            raw.first(
                self._database, "SELECT 1 FROM procrastinate_jobs WHERE queue_name = %s AND abort_requested", (task_id,)
            )
        )

    def _job_id(self, task_id: str, status: str | None = None) -> int | None:
        condition, values = ("AND status = %s", (task_id, status)) if status else ("", (task_id,))
        row = raw.first(self._database, f"SELECT id FROM procrastinate_jobs WHERE queue_name = %s {condition}", values)  # nosec B608  # the condition is one of two constants
        return None if row is None else int(row[0])

    def _retry(self, job_id: int) -> None:
        """Put a job back. The engine would end one that is to be stopped, without its task: the caretaker ends both."""
        raw.change(
            self._database,
            "UPDATE procrastinate_jobs SET abort_requested = false, args = args || '{\"stop\": true}' "
            "WHERE id = %s AND abort_requested",
            (job_id,),
        )
        self._manager.retry_job_by_id(job_id, retry_at=_now(self._database))

    def _note(self, task_id: str, values: dict[str, Any]) -> None:
        raw.change(
            self._database,
            "UPDATE procrastinate_jobs SET args = args || %s::jsonb WHERE queue_name = %s",
            (json.dumps(values), task_id),
        )

    def _locked(self, condition: str, *values: Any) -> bool:
        found = raw.first(self._database, f"SELECT 1 FROM task WHERE {condition} FOR UPDATE", values)  # nosec B608  # conditions are constants of this module
        return found is not None


def arguments_of(task: Task, workload: Workload) -> dict[str, Any]:
    """Return what the claim needs to know of a task: its source, its place, and the models that a node must have."""
    needs = workload.needs
    return {
        "source": task.source,
        "rank": task.rank,
        "last": bool(task.notes.get(MOVED_TO_END)),
        "moved": int(task.notes.get(MOVED_TO_END, 0)),
        "models": [_storable(name) for name in needs.models],
        "lora_weights": sorted([_storable(name), weight] for name, weight in needs.loras),
        "files": sorted(files_of(needs)),
    }


def files_of(needs: ModelNeeds) -> frozenset[str]:
    """Return the names of the model files that a node must have to claim a task."""
    named = [*needs.models, *(name for name, weight in needs.loras if weight)]
    return frozenset(_storable(name) for name in named if name not in ("", "None"))


def _now(database: Database) -> Any:
    return raw.value(database, "SELECT now()")


def _storable(name: str) -> str:
    """Return a name without the character that PostgreSQL's JSON refuses. No file has it in its name."""
    return name.replace("\0", "")
