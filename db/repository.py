"""Access to the database: a writer thread for all changes, a few reader threads."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, TypeVar

from peewee import JOIN, Database, DatabaseError, InterfaceError, fn

from . import migrations
from .connection import Connection, DatabaseProblem, advised, shown
from .deadline import Deadline
from .disk.placement import FULL, FULL_WORDS
from .encoding import decoded_task
from .indexing.indexer import Indexer
from .membership import Membership
from .statements import task_pages, writes
from .statements.cluster import nodes
from .statements.filters import Filter
from .statements.outbox import Outbox
from .statements.sources import usage
from .tables import TABLES, ImageRow, TaskRow, database, shard
from .writer import DatabaseUnavailable, Writer, is_unavailable

log = logging.getLogger("fooocus_api.db")

T = TypeVar("T")
READERS = 4
READER_CLOSE_TIMEOUT_S = 10
"""Seconds that a reader may take to finish its last query when the database is closed."""


class Repository:
    """Tasks in the database, as dictionaries of column values (JSON columns as Python objects, `images` as a list of such).

    Changes are functions that `write` runs on the writer's thread; they are on the disk before their future completes. All other
    functions read, on a reader's thread: event loops use `submit_read`, threads that may block use `read`. The same holds for the
    functions of `outbox`.
    """

    def __init__(self, location: Path | str, membership: Membership | None = None) -> None:
        """Open or create the database, a file or a URL, and migrate its schema. `membership` shares it with a cluster.

        Raises:
            DatabaseProblem: the database can't be used; the message gives the reason.
        """
        self.outbox = Outbox()
        self._connection = Connection(location, membership)
        self._database = self._connection.database
        database.initialize(self._database)
        self._database.bind(TABLES)
        try:
            migrations.migrate(self._database, self._connection.back_up, self._connection.need_to_be_alone)
            shard.initialize(nodes.number_of(membership.name) if membership is not None else 0)
        except Exception as error:  # an old database may contain anything
            self._connection.close()
            raise DatabaseProblem(f"the database {shown(location)} can't be used: {advised(error)}") from error
        self._connection.close_thread()  # from now on the writer and each reader open their own
        self._writer = Writer(self._connection)
        self._closed = False
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="fooocus-api-reader")
        self._indexer = Indexer(self.read, lambda change: self.write(change).result(), self._connection.need_room)
        try:
            self._writer.write(lambda: None).result()
        except DatabaseUnavailable as error:
            self.close()
            raise DatabaseProblem(f"the database {shown(location)} can't be used: {advised(error)}") from error

    @property
    def database(self) -> Database:
        """The database, on whichever thread's connection, for statements that run by `write` and `read`."""
        return self._database

    @property
    def shard(self) -> int:
        """The number under which this process counts its changes of the tasks, 0 without a cluster."""
        return shard.number

    @property
    def problem(self) -> str | None:
        """The reason why nothing can be written now, or None."""
        return self._writer.problem

    def write(
        self,
        change: Callable[[], T],
        on_commit: Callable[[T], None] | None = None,
        *,
        retry: bool = False,
        locks: Sequence[int] = (),
    ) -> Future[T]:
        """Run `change` on the writer's thread, atomically, and `on_commit` there with its result once it is on the disk.

        If `retry` is set, the writer retries the change until it succeeds. On PostgreSQL `change` may run again, before anything
        was committed, after a lost connection or a conflict with another process. A cluster's has these `locks` of `db.locks`.

        Raises:
            DatabaseUnavailable: from the future, if nothing can be written now.
        """
        return self._writer.write(change, on_commit, retry=retry, locks=locks)

    def first_possible(self, changes: Sequence[Callable[[], T]], refused: Callable[[BaseException], None]) -> T:
        """Run the first of these changes that does not fail by itself, on the writer's thread, and return its result.

        `refused` gets the error of each change that fails. The error of the last change is raised, and so is any error that means
        that the database can't be written.
        """
        *richer, last = changes
        for change in richer:
            try:
                with self._database.atomic():
                    return change()
            except BaseException as error:
                if is_unavailable(error):
                    raise
                refused(error)
        return last()

    def submit_read(self, query: Callable[[], T]) -> Future[T]:
        """Run `query` on a reader's thread, which keeps its connection.

        Raises:
            DatabaseUnavailable: from the future, if the database does not answer.
        """
        try:
            return self._readers.submit(self._answer, query)
        except RuntimeError:
            refused: Future[T] = Future()
            refused.set_exception(DatabaseUnavailable("the history is closed; Fooocus is shutting down"))
            return refused

    def read(self, query: Callable[[], T]) -> T:
        """Return the result of `submit_read`. Blocking."""
        return self.submit_read(query).result()

    def _answer(self, query: Callable[[], T]) -> T:
        for last_try in (False, True):
            try:
                self._connection.check()  # a thread's first query would create an empty file
                return query()
            except DatabaseProblem as error:
                raise DatabaseUnavailable(f"the history can't be read: {error}") from error
            except (DatabaseError, InterfaceError) as error:
                self._connection.close_thread()  # retry once, as the server may have restarted
                if last_try:
                    raise DatabaseUnavailable(f"the history can't be read: {error}") from error
        raise AssertionError("unreachable")

    def index_words(self, is_duty: Callable[[], bool] = lambda: True) -> None:
        """Start to index the prompts of ended and future tasks in the background, for fast searches. They are right without.

        Of several processes only one may index: each does so while its `is_duty` returns true.
        """
        self._indexer.start(is_duty)

    @property
    def is_closed(self) -> bool:
        """Return whether the repository accepts no more changes and queries."""
        return self._closed

    def close(self, within_s: float | None = None) -> None:
        """Finish the pending writes and close the database. A second call waits for the writes that a first one did not.

        Args:
            within_s: seconds after which to return although the database hangs; the readers get half of them. Connections that
                are still open then last until the process ends.
        """
        deadline = Deadline(within_s)
        if not self._closed:
            self._closed = True
            self._indexer.stop()
            self._close_readers(deadline, wait_for_all=within_s is None)
        if self._writer.close(deadline.left()):
            self._indexer.join(deadline.left())
            self._connection.close()

    def _close_readers(self, deadline: Deadline, *, wait_for_all: bool) -> None:
        together = threading.Barrier(READERS)  # each thread closes its own connection
        closing = []
        with contextlib.suppress(RuntimeError):  # at exit the interpreter has already stopped the readers
            closing = [self._readers.submit(self._close_reader, together) for _ in range(READERS)]
        if not wait_for_all:
            wait(closing, deadline.half())
        self._readers.shutdown(wait=wait_for_all)

    def _close_reader(self, together: threading.Barrier) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(READER_CLOSE_TIMEOUT_S)
        self._connection.close_thread()

    # ------------------------------------------------------------- changes

    insert = staticmethod(writes.insert)
    insert_ended = staticmethod(writes.insert_ended)
    update = staticmethod(writes.update)
    add_inputs = staticmethod(writes.add_inputs)
    delete = staticmethod(writes.delete)

    def unwritable(self, within_s: float) -> str | None:
        """Return why nothing can be written now, in words that name no path; None if a write that changes nothing succeeds within
        `within_s` seconds."""
        try:
            self._connection.need_room()
            self.write(nodes.touch).result(timeout=within_s)
        except OSError as error:
            if isinstance(error, TimeoutError):
                return "it does not answer in time"
            return FULL_WORDS if error.errno in FULL else "its folder can't be written"
        except FutureTimeout:
            return "it does not answer in time"
        except DatabaseUnavailable as error:
            return error.words or "the database refuses it"
        return None

    # --------------------------------------------------------------- reads

    def get(self, task_id: str) -> dict[str, Any] | None:
        """Return a task, or None."""
        return self._one("task_id", task_id)

    def many(self, task_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return those of these tasks that exist, at most 500."""
        found = TaskRow.select(TaskRow.id).where(TaskRow.task_id.in_(list(task_ids))).tuples()
        return self._rows([row_id for (row_id,) in found])

    def sources_and_images(self, task_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Return the source and the number of images of each of these tasks that exists."""
        query = (
            TaskRow.select(TaskRow.task_id, TaskRow.source, fn.COUNT(ImageRow.position))
            .join(ImageRow, JOIN.LEFT_OUTER)
            .where(TaskRow.task_id.in_(list(task_ids)))
            .group_by(TaskRow.task_id, TaskRow.source)
        )
        return {task_id: (source, images) for task_id, source, images in query.tuples()}

    def with_idempotency_key(self, key: str) -> dict[str, Any] | None:
        """Return the task that was submitted with this key, or None."""
        return self._one("idempotency_key", key)

    def in_order(self, statuses: Sequence[str]) -> list[dict[str, Any]]:
        """Return all tasks with one of these statuses, in the order in which they are to run."""
        query = TaskRow.select(TaskRow.id).where(TaskRow.status.in_(list(statuses)))
        ids = [row_id for (row_id,) in query.order_by(TaskRow.rank, TaskRow.id).tuples()]
        return [row for start in range(0, len(ids), 500) for row in self._rows(ids[start : start + 500])]

    def page(self, criteria: Filter, offset: int, limit: int, *, newest_first: bool = True) -> list[dict[str, Any]]:
        """Return tasks from `offset` on, at most `limit`, sorted by the time they were queued."""
        return self._rows(task_pages.page(criteria, offset, limit, newest_first=newest_first))

    def page_and_count(
        self, criteria: Filter, offset: int, limit: int, *, newest_first: bool = True
    ) -> tuple[list[dict[str, Any]], tuple[int, bool]]:
        """Return both `page` and `count`, in one step where that is faster."""
        ids, counted = task_pages.page_and_count(criteria, offset, limit, newest_first=newest_first)
        return self._rows(ids), counted

    def finished_page_and_count(
        self, criteria: Filter, offset: int, limit: int
    ) -> tuple[list[dict[str, Any]], tuple[int, bool]]:
        """Return a page of the ended tasks in the order of their ends, the latest first, and `count`. The filter has no words."""
        ids, counted = task_pages.finished_page_and_count(criteria, offset, limit)
        return self._rows(ids), counted

    def count(self, criteria: Filter) -> tuple[int, bool]:
        """Return the number of tasks that the filter finds, and whether counting stopped at its maximum."""
        return task_pages.count(criteria)

    def task_ids(self, criteria: Filter, limit: int) -> list[str]:
        """Return the ids of the oldest tasks that the filter finds, at most `limit`."""
        ids = task_pages.page(criteria, 0, limit, newest_first=False)
        found: dict[int, str] = dict(TaskRow.select(TaskRow.id, TaskRow.task_id).where(TaskRow.id.in_(ids)).tuples())
        return [found[row_id] for row_id in ids if row_id in found]

    def lowest_rank(self, statuses: Sequence[str]) -> int:
        """Return the lowest rank among the tasks with one of these statuses, at most 1, so that a rank below it differs from
        those of tasks that were never moved."""
        query = TaskRow.select(fn.COALESCE(fn.MIN(TaskRow.rank), 1)).where(TaskRow.status.in_(list(statuses)))
        return min(int(query.scalar()), 1)

    def newest(self) -> int:
        """Return the row id of the newest task, at least 1."""
        return int(TaskRow.select(fn.COALESCE(fn.MAX(TaskRow.id), 1)).scalar())

    recorded = staticmethod(usage.recorded)
    inputs_in_use = staticmethod(usage.inputs_in_use)

    @staticmethod
    def _one(column: str, value: str) -> dict[str, Any] | None:
        row = task_pages.one(column, value)
        return None if row is None else decoded_task(row)

    @staticmethod
    def _rows(ids: Sequence[int]) -> list[dict[str, Any]]:
        return [decoded_task(row) for row in task_pages.rows(list(ids))]
