"""The one door to the database: a writer thread for every change, a few threads for reads. Called by `tasks`."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, TypeVar

from peewee import JOIN, DatabaseError, InterfaceError, fn

from . import changes, migrations, queries
from .connection import Connection, DatabaseProblem, shown
from .deadline import Deadline
from .filters import Filter
from .models import TABLES, ImageRow, InputRow, SchemaVersion, TaskRow, database
from .outbox import Outbox
from .placement import FULL, FULL_WORDS
from .text import decoded
from .writer import DatabaseUnavailable, Writer, is_unavailable

log = logging.getLogger("fooocus_api.db")

T = TypeVar("T")
READERS = 4
PATIENCE = 10
"""Seconds that a reader may need for its last answer when the database is closed."""


class Repository:
    """Tasks on disk, as dictionaries of column values (the JSON columns as Python objects, `images` a list of such).

    Changes are functions run by `write`, on the writer's thread; they are on the disk before their future is done.
    Everything else reads, on a reader's thread: `read` for event loops, `reading` for threads that may wait. So it is with
    the functions of its `outbox`.
    """

    def __init__(self, location: Path | str) -> None:
        """Open or create the database, a file or a URL, and bring its schema up to date.

        Raises:
            DatabaseProblem: it can't be used; the message says why.
        """
        self.outbox = Outbox()
        self._connection = Connection(location)
        self._database = self._connection.database
        database.initialize(self._database)
        self._database.bind(TABLES)
        try:
            migrations.migrate(self._database, self._connection.back_up)
        except Exception as error:  # whatever an old database may have in it
            self._connection.close()
            raise DatabaseProblem(f"the database {shown(location)} can't be used: {error}") from error
        self._connection.close_thread()  # from now on the writer has one, and each reader
        self._writer = Writer(self._connection)
        self._closed = False
        self._readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="fooocus-api-reader")
        try:
            self._writer.write(lambda: None).result()
        except DatabaseUnavailable as error:
            self.close()
            raise DatabaseProblem(f"the database {shown(location)} can't be used: {error}") from error

    @property
    def problem(self) -> str | None:
        """Why nothing can be written now, if so."""
        return self._writer.problem

    def write(
        self, change: Callable[[], T], then: Callable[[T], None] | None = None, *, must: bool = False
    ) -> Future[T]:
        """Run `change` on the writer's thread, whole or not at all, and `then` there with its answer once it is on the disk.

        One that `must` be done is tried until it is.

        Raises:
            DatabaseUnavailable: from the future, when nothing can be written now.
        """
        return self._writer.write(change, then, must=must)

    def first_possible(self, changes: Sequence[Callable[[], T]], refused: Callable[[BaseException], None]) -> T:
        """Run the first of these changes that does not fail by itself, on the writer's thread, and return its answer.

        `refused` gets the error of each that does; that of the last one is raised, as is any that tells that the database
        can't be written.
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

    def read(self, query: Callable[[], T]) -> Future[T]:
        """Run `query` on a reader's thread, which keeps its connection.

        Raises:
            DatabaseUnavailable: from the future, when the database does not answer.
        """
        try:
            return self._readers.submit(self._answer, query)
        except RuntimeError:
            refused: Future[T] = Future()
            refused.set_exception(DatabaseUnavailable("the history is closed: Fooocus is ending"))
            return refused

    def reading(self, query: Callable[[], T]) -> T:
        """The answer itself."""
        return self.read(query).result()

    def _answer(self, query: Callable[[], T]) -> T:
        for last_try in (False, True):
            try:
                self._connection.check()  # a thread's first query would begin an empty file
                return query()
            except DatabaseProblem as error:
                raise DatabaseUnavailable(f"the history can't be read: {error}") from error
            except (DatabaseError, InterfaceError) as error:
                self._connection.close_thread()  # a server that was restarted is asked once more
                if last_try:
                    raise DatabaseUnavailable(f"the history can't be read: {error}") from error
        raise AssertionError("unreachable")

    def close(self, within_s: float | None = None) -> None:
        """Finish what is being written and close the database. A second call does nothing.

        Args:
            within_s: seconds after which to return though the database hangs; half of them are the readers'. What is not
                closed by then is left to the end of the process.
        """
        if self._closed:
            return
        self._closed = True
        deadline = Deadline(within_s)
        together = threading.Barrier(READERS)  # each thread closes its own
        leaving = []
        with contextlib.suppress(RuntimeError):  # the process ends, and has ended the readers before it asks anyone
            leaving = [self._readers.submit(self._leave, together) for _ in range(READERS)]
        if within_s is not None:
            wait(leaving, deadline.half())
        self._readers.shutdown(wait=within_s is None)
        if self._writer.close(deadline.left()):
            self._connection.close()

    def _leave(self, together: threading.Barrier) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(PATIENCE)
        self._connection.close_thread()

    # ------------------------------------------------------------- changes

    insert = staticmethod(changes.insert)
    insert_ended = staticmethod(changes.insert_ended)
    update = staticmethod(changes.update)
    add_inputs = staticmethod(changes.add_inputs)
    delete = staticmethod(changes.delete)

    def unwritable(self, within_s: float) -> str | None:
        """Return why nothing can be written now, in words that tell no place; None when it can, within so many seconds. It
        writes something that changes nothing, and waits for that."""
        try:
            self._connection.need_room()
            self.write(lambda: SchemaVersion.update(version=SchemaVersion.version).execute()).result(timeout=within_s)
        except OSError as error:
            if isinstance(error, TimeoutError):
                return "it takes too long"
            return FULL_WORDS if error.errno in FULL else "its folder can't be written"
        except FutureTimeout:
            return "it takes too long"
        except DatabaseUnavailable as error:
            return error.words or "the database refuses it"
        return None

    # --------------------------------------------------------------- reads

    def get(self, task_id: str) -> dict[str, Any] | None:
        """One task, or None."""
        return self._one("task_id", task_id)

    def sources_and_images(self, task_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Which of these tasks there are: where each came from and how many images it has."""
        query = (
            TaskRow.select(TaskRow.task_id, TaskRow.source, fn.COUNT(ImageRow.position))
            .join(ImageRow, JOIN.LEFT_OUTER)
            .where(TaskRow.task_id.in_(list(task_ids)))
            .group_by(TaskRow.task_id, TaskRow.source)
        )
        return {task_id: (source, images) for task_id, source, images in query.tuples()}

    def with_idempotency_key(self, key: str) -> dict[str, Any] | None:
        """The task that this key was given with, or None."""
        return self._one("idempotency_key", key)

    def in_order(self, statuses: Sequence[str]) -> list[dict[str, Any]]:
        """All tasks that have one of these statuses, in the order in which they are to be drawn."""
        query = TaskRow.select(TaskRow.id).where(TaskRow.status.in_(list(statuses)))
        ids = [row_id for (row_id,) in query.order_by(TaskRow.rank, TaskRow.id).tuples()]
        return [row for start in range(0, len(ids), 500) for row in self._rows(ids[start : start + 500])]

    def page(self, chosen: Filter, offset: int, limit: int, *, newest_first: bool = True) -> list[dict[str, Any]]:
        """Tasks from `offset` on, at most `limit`, by the time they were queued."""
        return self._rows(queries.page(chosen, offset, limit, newest_first=newest_first))

    def page_and_count(
        self, chosen: Filter, offset: int, limit: int, *, newest_first: bool = True
    ) -> tuple[list[dict[str, Any]], tuple[int, bool]]:
        """Both `page` and `count`, in one go where that is quicker."""
        ids, counted = queries.page_and_count(chosen, offset, limit, newest_first=newest_first)
        return self._rows(ids), counted

    def count(self, chosen: Filter) -> tuple[int, bool]:
        """How many tasks that is, and whether it is only the most that are counted."""
        return queries.count(chosen)

    def task_ids(self, chosen: Filter, limit: int) -> list[str]:
        """The ids of the oldest such tasks."""
        ids = queries.page(chosen, 0, limit, newest_first=False)
        found: dict[int, str] = dict(TaskRow.select(TaskRow.id, TaskRow.task_id).where(TaskRow.id.in_(ids)).tuples())
        return [found[row_id] for row_id in ids if row_id in found]

    def lowest_rank(self, statuses: Sequence[str]) -> int:
        """The rank that comes first among the tasks that have one of these statuses; 1 or less, so that what comes before it
        can be told from what was never moved."""
        query = TaskRow.select(fn.COALESCE(fn.MIN(TaskRow.rank), 1)).where(TaskRow.status.in_(list(statuses)))
        return min(int(query.scalar()), 1)

    def recorded(self, paths: Sequence[str]) -> set[str]:
        """Which of these images some record lists."""
        return {path for (path,) in ImageRow.select(ImageRow.path).where(ImageRow.path.in_(list(paths))).tuples()}

    def inputs_in_use(self, file_names: Sequence[str]) -> set[str]:
        """Which of these inputs some record points to."""
        return {
            name
            for (name,) in InputRow.select(InputRow.file_name).where(InputRow.file_name.in_(list(file_names))).tuples()
        }

    @staticmethod
    def _one(column: str, value: str) -> dict[str, Any] | None:
        row = queries.one(column, value)
        return None if row is None else _whole(row)

    @staticmethod
    def _rows(ids: Sequence[int]) -> list[dict[str, Any]]:
        return [_whole(row) for row in queries.rows(list(ids))]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    return {**decoded(row), "images": [decoded(image) for image in row["images"]]}
