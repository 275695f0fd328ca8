"""Recovery of the tasks of a process that has ended: they wait again, or end. Each in a transaction that locks its row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from peewee import Database

from ...db.locks import RANKS
from ...db.repository import Repository
from ...db.statements import daily_counts
from ...db.statements.cluster import raw
from ...tasks.model.rows import from_row
from ...tasks.model.task import ACTIVE_STATUSES, Task, TaskError, TaskStatus, now_ms
from ...tasks.model.workload.workload import Workload
from ...tasks.storage.store import TaskStore
from ...tasks.storage.written_end import WrittenEnd
from ..jobs.task_jobs import MAX_ATTEMPTS, TaskJobs

log = logging.getLogger("fooocus_api.cluster")


_WITH_WORKERS = """
    task LEFT JOIN procrastinate_workers AS known ON known.id = task.worker
    LEFT JOIN cluster_node AS node ON node.worker = task.worker
"""
_TIMEOUT = "make_interval(secs => COALESCE(node.timeout_ms / 1000.0, %(timeout_s)s))"
"""Timeout of a task's worker, which is its own process's: the processes of a cluster may have several."""
_LOST = f"""(
    CASE WHEN task.worker IS NULL THEN task.status = 'running' OR task.source = 'webui'
    ELSE known.id IS NULL OR known.last_heartbeat < now() - {_TIMEOUT} END
) AND pg_postmaster_start_time() < now() - {_TIMEOUT}"""
"""Condition of a task whose worker has no heartbeat. Without a worker it is one that a process without a cluster has left. None
is lost before the database was up for the timeout: no process could write a heartbeat."""


class NodeRecovery:
    """Puts the tasks of ended processes back. Blocking; not on the writer's thread."""

    def __init__(
        self, repository: Repository, jobs: TaskJobs, store: TaskStore, workload: Callable[[Task], Workload]
    ) -> None:
        self._repository = repository
        self._database: Database = jobs.database
        self._jobs = jobs
        self._store = store
        self._workload = workload

    def recover_lost(self, timeout_s: float) -> list[str]:
        """Recover the tasks of the workers without a heartbeat for longer than their timeout, and return their ids.

        Args:
            timeout_s: the timeout of a worker whose process has another one by now, or none.

        Raises:
            DatabaseUnavailable: the others follow at the next call.
        """
        found = self._repository.read(partial(self._of_lost, timeout_s))
        return [task_id for task_id, worker in found if self._recover(task_id, worker, timeout_s)]

    def recover_earlier(self, node: str) -> list[str]:
        """Recover the tasks that an earlier process under this node's name has left, and return their ids.

        Raises:
            DatabaseUnavailable: the others follow at the next call.
        """
        found = self._repository.read(partial(self._of_earlier, node))
        return [task_id for task_id, worker in found if self._recover(task_id, worker)]

    def _of_lost(self, timeout_s: float) -> list[tuple[str, int | None]]:
        # One statement: a worker that registers between two would seem to be lost.
        rows = raw.rows(
            self._database,
            f"SELECT task_id, task.worker FROM {_WITH_WORKERS} "  # nosec B608  # constants
            f"WHERE task.status IN ('pending', 'running') AND {_LOST}",
            {"timeout_s": timeout_s},
        )
        return [(task_id, worker) for task_id, worker in rows]

    def _of_earlier(self, node: str) -> list[tuple[str, int | None]]:
        rows = raw.rows(
            self._database,
            "SELECT task_id, worker FROM task WHERE status IN ('pending', 'running') AND node = %s AND worker <> %s",
            (node, self._jobs.worker),
        )
        return [(task_id, worker) for task_id, worker in rows]

    def _recover(self, task_id: str, worker: int | None, timeout_s: float | None = None) -> bool:
        written = self._repository.write(partial(self._change, task_id, worker, timeout_s), locks=(RANKS,))
        outcome = written.result()
        if isinstance(outcome, WrittenEnd):
            self._store.wake(written)  # type: ignore[arg-type]  # it is one in this branch
        if outcome is not None:
            log.warning("task of an ended process recovered", extra={"task_id": task_id, "worker": worker})
        return outcome is not None

    def _change(self, task_id: str, worker: int | None, timeout_s: float | None) -> WrittenEnd | bool | None:
        """Decide about a task whose row belongs to the worker still; with a timeout, a worker that is lost. None otherwise."""
        condition = "TRUE" if timeout_s is None else _LOST
        locked = raw.first(
            self._database,
            f"SELECT 1 FROM {_WITH_WORKERS} WHERE task_id = %(task_id)s "  # nosec B608  # constants
            "AND task.worker IS NOT DISTINCT FROM %(worker)s AND task.status IN ('pending', 'running') "
            f"AND {condition} FOR UPDATE OF task",
            {"task_id": task_id, "worker": worker, "timeout_s": timeout_s},
        )
        row = self._repository.get(task_id) if locked else None
        if row is None:
            return None
        task = from_row(row)
        if task.source == "webui":
            task.transition(TaskStatus.INTERRUPTED, at_recovery=True)
            task.error = TaskError("Interrupted", "the node was shut down before the task ended")
            return self._store.end_foreign(task)
        if self._jobs.is_to_stop(task_id):
            task.transition(TaskStatus.STOPPED)
            return self._store.end_foreign(task)
        if task.attempts >= MAX_ATTEMPTS:
            task.transition(TaskStatus.FAILED, at_recovery=True)
            task.error = TaskError(
                "Crashed", f"{task.attempts} nodes ended, or had a full disk, while they generated this task"
            )
            return self._store.end_foreign(task)
        rank = self._repository.lowest_rank(ACTIVE_STATUSES) - 1
        self._jobs.put_back(task_id, rank, task.attempts)
        return True

    def repair_jobs(self) -> int:
        """Give each waiting task without a job one, and remove each job without a task that waits or runs. Return their number.

        Rows and jobs change together, so that there are none, unless another program has changed the tables.
        """
        lost, spare = self._repository.read(self._unpaired)
        for task_id in lost:
            self._repository.write(partial(self._add_job, task_id)).result()
        for task_id in spare:
            self._repository.write(partial(self._remove_job, task_id)).result()
        if lost or spare:
            log.error("queue repaired", extra={"tasks": len(lost), "jobs": len(spare)})
        return len(lost) + len(spare)

    def end_stopped(self) -> None:
        """End the waiting tasks that a client has stopped while a node had them, which has given them back."""
        for task_id in self._repository.read(self._jobs.stopped_and_waiting):
            self._store.wake(self._repository.write(partial(self._end_stopped, task_id)))

    def _end_stopped(self, task_id: str) -> WrittenEnd | None:
        row = self._repository.get(task_id) if self._jobs.withdraw(task_id) else None
        if row is None:
            return None
        task = from_row(row)
        task.transition(TaskStatus.STOPPED)
        return self._store.end_foreign(task)

    def tidy(self) -> None:
        """Fold the daily counts of all processes into one row a day, and forget processes that have ended long ago."""
        self._repository.write(lambda: daily_counts.compact(now_ms() // daily_counts.DAY_MS - 1)).result()
        self._repository.write(self._forget_ended).result()

    def _forget_ended(self) -> None:
        raw.change(
            self._database,
            "DELETE FROM procrastinate_workers WHERE last_heartbeat < now() - interval '1 day' AND NOT EXISTS "
            "(SELECT 1 FROM task WHERE worker = procrastinate_workers.id AND status IN ('pending', 'running')) AND NOT EXISTS "
            # A node that slept for a day has that worker still: its claims name it.
            "(SELECT 1 FROM cluster_node WHERE worker = procrastinate_workers.id AND state <> 'stopped')",
        )
        raw.change(
            self._database,
            "DELETE FROM cluster_node WHERE to_timestamp(seen_at / 1000.0) < now() - interval '30 days' AND NOT EXISTS "
            "(SELECT 1 FROM task_tally WHERE shard = cluster_node.id)",
        )

    def _unpaired(self) -> tuple[list[str], list[str]]:
        lost = raw.rows(
            self._database,
            "SELECT task_id FROM task WHERE status = 'pending' AND worker IS NULL AND source <> 'webui' AND NOT EXISTS "
            "(SELECT 1 FROM procrastinate_jobs WHERE queue_name = task_id AND status IN ('todo', 'doing'))",
        )
        spare = raw.rows(
            self._database,
            "SELECT queue_name FROM procrastinate_jobs WHERE NOT EXISTS "
            "(SELECT 1 FROM task WHERE task_id = queue_name AND status IN ('pending', 'running'))",
        )
        return [task_id for (task_id,) in lost], [task_id for (task_id,) in spare]

    def _add_job(self, task_id: str) -> None:
        row = self._repository.get(task_id) if self._jobs.withdraw(task_id) else None
        if row is not None and not self._jobs.has_job(task_id):
            task = from_row(row)
            self._jobs.accepted(task, self._workload(task))

    def _remove_job(self, task_id: str) -> None:
        row = self._repository.get(task_id)
        if row is None or TaskStatus(row["status"]).is_terminal:
            self._jobs.ended(task_id)
