"""The database as the life of a task needs it: each change of a task, with that of its webhook, in one transaction."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from ...db import locks
from ...db.repository import Repository
from ...db.statements.filters import Filter
from ...db.statements.repeats import copy_state
from ..model import rows
from ..model.active_tasks import ActiveTask
from ..model.gaps import Gaps, complain, reason_of
from ..model.task import ACTIVE_STATUSES, MOVED_TO_END, TERMINAL_STATUSES, Task, TaskStatus
from ..model.workload.workload import Workload
from ..webhooks.delivery import Webhooks
from .attempts import add_or_find, forms, refused, with_gaps
from .end_listener import EndListener
from .jobs import Jobs, NoJobs
from .written_end import EndWrite, WrittenEnd

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
END_WRITE_TIMEOUT_S = 5.0
"""Seconds to wait for the commit of a task's end before subscribers are notified anyway."""
WRITE_CHECK_TIMEOUT_S = 3
"""Seconds after which a database without a successful write counts as unwritable."""
PENDING = Filter(statuses=(TaskStatus.PENDING.value,))


class TaskStore:
    """Writes tasks, and reads single ones. Changes of a known task are retried until the database accepts them."""

    def __init__(
        self,
        repository: Repository,
        webhooks: Webhooks,
        end_write_timeout_s: float = END_WRITE_TIMEOUT_S,
        listeners: Sequence[EndListener] = (),
        jobs: Jobs | None = None,
    ) -> None:
        """Wait for an important change for `end_write_timeout_s`; its retries continue afterwards.

        Args:
            jobs: the queue that this process shares with others; None without others.
        """
        self._repository = repository
        self._webhooks = webhooks
        self._listeners = listeners
        self._jobs: Jobs = jobs or NoJobs()
        self.is_shared = jobs is not None  # other processes may change tasks, too
        self._timeout_s = end_write_timeout_s
        self._starting = threading.Lock()
        self._is_suspended = False
        self._reported: str | None = None

    # ---------------------------------------------------------------- reading

    async def get(self, task_id: str) -> Task | None:
        """Return a task as stored, None without one."""
        row = await asyncio.wrap_future(self._repository.submit_read(lambda: self._repository.get(task_id)))
        return None if row is None else rows.from_row(row)

    async def with_idempotency_key(self, key: str) -> Task | None:
        """Return the task that was submitted with this key, None without one."""
        query = partial(self._repository.with_idempotency_key, key)
        row = await asyncio.wrap_future(self._repository.submit_read(query))
        return None if row is None else rows.from_row(row)

    def unfinished(self) -> list[Task]:
        """Return the tasks that an earlier process left unfinished, in the order in which they are to run. Blocking."""
        found = self._repository.read(lambda: self._repository.in_order(ACTIVE_STATUSES))
        tasks = [rows.from_row(row) for row in found]
        # One that was moved to the end is behind the newest one of its time.
        return sorted(tasks, key=lambda task: (task.rank, task.notes.get(MOVED_TO_END, 0)))

    def rank_before_all(self) -> int:
        """Return a rank below those of all unfinished tasks. Blocking."""
        return self._repository.read(self._rank_before_all)

    def count_pending(self) -> int:
        """Return the number of stored pending tasks. On the writer's thread."""
        return self._repository.count(PENDING)[0]

    def unwritable(self) -> str | None:
        """Return why the history can't be written now, without naming a path or host; None if it can. Waits up to
        `WRITE_CHECK_TIMEOUT_S`."""
        reason = self._repository.unwritable(WRITE_CHECK_TIMEOUT_S)
        if reason is not None and reason != self._reported:
            log.error("history not writable", extra={"reason": self._repository.problem or reason})
        self._reported = reason
        return reason

    # -------------------------------------------------------------- accepting

    def store_new(
        self,
        task: Task,
        workload: Workload,
        base_url: str,
        admit: Callable[[], None],
        on_commit: Callable[[Task], None],
        *,
        is_limited: bool = False,
    ) -> Future[Task]:
        """Store a task of the API with its webhook, or find the one that was stored with its idempotency key.

        Args:
            base_url: the prefix of the URLs in the webhook's record.
            admit: charges quotas in the same transaction; an exception rejects the task.
            on_commit: gets the task once it is on the disk, on the writer's thread.
            is_limited: `admit` counts tasks or images, to which no other process may add in between.
        """
        row, key = rows.to_row(task, workload), task.idempotency_key

        def find() -> Task | None:
            earlier = None if key is None else self._repository.with_idempotency_key(key)
            return None if earlier is None else rows.from_row(earlier)

        def add() -> Task:
            admit()
            task.id = task.rank = self._repository.insert(row, workload.inputs)
            if workload.repeats:
                copy_state(workload.repeats, task.id)
            self._webhooks.enqueue(task, base_url)
            self._jobs.accepted(task, workload)
            return task

        def change() -> Task:
            if (earlier := find()) is not None:
                return earlier
            return add() if key is None or not self._repository.shard else add_or_find(self._repository, add, find)

        return self._repository.write(change, on_commit, locks=(locks.ADMISSION,) if is_limited else ())

    def insert(self, task: Task, workload: Workload, gaps: Gaps) -> None:
        """Write the row of a WebUI task. Return after the commit or the timeout."""

        def inserted(row_id: int) -> None:
            task.id = task.rank = row_id

        self._jobs.mark(task)
        row = gaps.attempt("the task's row", lambda: rows.to_row(task, workload), None)
        if row is not None:
            wait([self._write(lambda: self._repository.insert(row), task.task_id, inserted)], timeout=self._timeout_s)

    def write_inputs(self, live: ActiveTask) -> None:
        """Write a WebUI task's parameters again, with references to its saved input images."""
        task_id, parameters, inputs = live.task.task_id, live.task.parameters, live.workload.inputs
        self._write(lambda: self._repository.add_inputs(task_id, parameters, inputs), task_id)

    # --------------------------------------------------------------- changing

    def write_start(self, task: Task) -> None:
        """Write that a task has started, unless `suspend` was called."""
        values = rows.changes(task)
        with self._starting:  # a start written after `suspend` would undo `put_back`
            if not self._is_suspended:
                self._write(lambda: self._update(task.task_id, values), task.task_id)

    def write_end(self, task: Task, workload: Workload, gaps: Gaps) -> EndWrite:
        """Write a task's end and make its webhook due, in one transaction. Return after the commit or the timeout.

        The result is None if the task had ended before. If the database rejects the row, it is written with fewer and fewer
        values, at last with little more than the status.
        """
        written = self._write(partial(self._end, task, workload, gaps), task.task_id)
        wait([written], timeout=self._timeout_s)
        return written

    def wake(self, written: EndWrite) -> None:
        """Start the delivery of the webhook that came due with a written end, and report the end to the listeners.

        Raises:
            DatabaseUnavailable: the end had been written before, and the history can't be read.
        """
        if written.exception() is not None:
            return
        done = written.result()
        if done is None:  # also if the first commit's answer was lost, and its repetition found the task ended
            self._webhooks.wake_all()
            return
        if done.receiver is not None:
            self._webhooks.wake(done.receiver)
        for listener in self._listeners:
            listener.after_end(done.task)

    def was_lost(self, written: EndWrite) -> bool:
        """Return whether another process has the task, so that its end here does not count."""
        return self.is_shared and written.done() and written.exception() is None and written.result() is None

    def end_foreign(self, task: Task) -> WrittenEnd:
        """Write the end of a task whose row this transaction has locked and that no worker has. `wake` follows the commit."""
        self._repository.update(task.task_id, rows.changes(task))
        receiver = self._webhooks.ended(task)
        self._report(task)
        self._jobs.ended(task.task_id)
        return WrittenEnd(task, receiver)

    def write_recovered(self, tasks: Sequence[Task]) -> None:
        """Write the new states of tasks that an earlier process left unfinished. Return after the commit.

        Raises:
            DatabaseUnavailable: the database can't be written; nothing was written.
        """
        values = {task.task_id: {**rows.changes(task), "rank": task.rank} for task in tasks}

        def change() -> None:
            for task_id, row in values.items():
                self._repository.update(task_id, row)
            for task in tasks:
                if task.status.is_terminal:
                    self._webhooks.ended(task)
                    self._report(task)

        self._repository.write(change).result()

    # --------------------------------------------------------------- shutdown

    def suspend(self) -> None:
        """Write no more starts of tasks, as Fooocus shuts down. Ends of tasks are still written."""
        with self._starting:
            self._is_suspended = True

    def put_back(self, task: Task) -> None:
        """Put a running task back to pending at a regular shutdown, so that the next start runs it as if it had not begun."""
        if not self._jobs.is_mine(task.task_id):
            return  # another node runs it
        task.transition(TaskStatus.PENDING, at_recovery=True)
        task.attempts -= 1
        values = rows.changes(task)

        def change() -> None:
            if self._update(task.task_id, values):
                self._jobs.released(task.task_id)

        self._repository.write(change, retry=True)

    # ----------------------------------------------------------------- writing

    def _rank_before_all(self) -> int:
        return self._repository.lowest_rank(ACTIVE_STATUSES) - 1

    def _update(self, task_id: str, values: dict[str, Any]) -> bool:
        return self._jobs.may_change(task_id) and self._repository.update(task_id, values, unless=TERMINAL_STATUSES)

    def _write(self, change: Callable[[], T], task_id: str, on_commit: Callable[[T], None] | None = None) -> Future[T]:
        """Write a change, with retries until the database accepts it. Log a final failure."""

        def written(done: Future[T]) -> None:
            if (error := done.exception()) is not None:
                log.error("task not written", extra={"task_id": task_id, "reason": reason_of(error)})

        future = self._repository.write(change, on_commit, retry=True)
        future.add_done_callback(written)
        return future

    def _end(self, task: Task, workload: Workload, gaps: Gaps) -> WrittenEnd | None:
        """Write an end. Return None if another process has the task by now, or is to have it. On the writer's thread."""
        if self._jobs.retried(task):
            return None
        stored = self._repository.first_possible(
            [partial(self._end_as, form, known, gaps) for form, known in forms(task, workload)],
            lambda error: refused(gaps, "a part of the record, rejected by the database", error),
        )
        if stored is None:
            return None
        receiver = self._repository.first_possible(
            [lambda: self._webhooks.ended(task), lambda: None],
            lambda error: refused(gaps, "the webhook, not recorded", error),
        )
        self._repository.first_possible(
            [lambda: self._report(stored), lambda: None],
            lambda error: complain("the end of a batch's row, recorded at the next start"),
        )
        noted = with_gaps(stored, gaps)
        if noted.notes != stored.notes:
            self._repository.update(task.task_id, {"notes": noted.notes})
        self._jobs.ended(task.task_id)
        return WrittenEnd(noted, receiver)

    def _report(self, task: Task) -> None:
        for listener in self._listeners:
            listener.on_end(task)

    def _end_as(self, form: Task, workload: Workload, gaps: Gaps) -> Task | None:
        form = with_gaps(form, gaps)
        if not self._update(form.task_id, rows.changes(form)):
            if self._repository.get(form.task_id) is not None or (self.is_shared and form.id >= 0):
                return None  # a task with a row that another process has ended, or that has been deleted since
            # A WebUI task whose row could not be written when it was queued.
            self._repository.insert(rows.to_row(form, workload))
        return form
