"""Writer thread for all changes. It commits queued changes together."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from peewee import Database, DatabaseError, InterfaceError

from . import locks
from .connection import Connection, DatabaseProblem, FileIsGone
from .disk.placement import FULL_WORDS, GONE_WORDS

log = logging.getLogger("fooocus_api.db")

T = TypeVar("T")
MAX_BATCH = 200
CHECK_INTERVAL_S = 0.5
"""Seconds after which an idle writer checks its file."""
BACKOFF_S = (0.1, 0.5, 1.0, 2.0)
"""Backoff in seconds between attempts while nothing can be written."""
CONFLICT_RETRIES = 5
"""Repetitions of a change that the server has rolled back in favour of another process's."""
CONFLICTS = ("40P01", "40001")
"""SQLSTATE of a deadlock and of a serialization failure."""
WRITER_CLOSE_TIMEOUT_S = 30.0
"""Seconds that the last writes may take when the writer is closed."""


class DatabaseUnavailable(Exception):
    """The database can't be written or read now; the message gives the reason, and `words` a short one that names no path."""

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.words = words


@dataclass
class Change:
    """A queued write. If `retry` is set, the writer retries it until it succeeds. It has `locks` while it runs in a cluster."""

    action: Callable[[], Any]
    future: Future[Any]
    retry: bool
    locks: Sequence[int]


def _complete(future: Future[Any], value: Any, failure: BaseException | None) -> None:
    """Set the outcome of a change's future. An exception in a callback, which runs on this thread, does not end the thread."""
    try:
        if failure is None:
            future.set_result(value)
        else:
            future.set_exception(failure)
    except BaseException:  # concurrent.futures catches only Exception itself
        log.exception("callback of a change failed")


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error has a cause outside the change: the disk is full, the file locked, the server gone."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    if "binding parameter" in str(error):  # the error of Python 3.10's SQLite for a value of an unknown type
        return False
    return type(error) in (DatabaseError, InterfaceError) or type(error).__name__ == "OperationalError"


def is_conflict(error: BaseException) -> bool:
    """Return whether the server has rolled a transaction back in favour of another process's, so that it may be repeated."""
    cause = getattr(error, "orig", None)  # the driver's exception
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return isinstance(error, DatabaseError) and state in CONFLICTS


def _is_cut(database: Database) -> bool:
    """Return whether the server has ended this thread's connection, as the driver knows since the last statement."""
    return not database.is_closed() and bool(getattr(database.connection(), "closed", False))


class Writer:
    """Runs changes in the order of `write`, each atomically, and completes a change once it is on the disk."""

    def __init__(self, connection: Connection) -> None:
        self.problem: str | None = None
        self._connection = connection
        self._database = connection.database
        self._queue: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._retries: list[Change] = []
        self._closing = False
        self._gone = False
        self._is_committing = False
        self._thread = threading.Thread(target=self._run, name="fooocus-api-writer", daemon=True)
        self._thread.start()

    def write(
        self,
        action: Callable[[], T],
        on_commit: Callable[[T], None] | None = None,
        *,
        retry: bool = False,
        locks: Sequence[int] = (),
    ) -> Future[T]:
        """Queue `action` for the writer's thread, and `on_commit` with its result on the same thread, once it is on the disk.

        If the database can't be written, the future gets `DatabaseUnavailable`. If `retry` is set, the writer instead retries the
        action, before all later ones, until it succeeds or the writer is closed. In a cluster, the transaction takes `locks`.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # the caller may cancel its wait; the write must still happen
        if on_commit is not None:
            future.add_done_callback(lambda done: None if done.exception() else on_commit(done.result()))
        if self._closing:
            future.set_exception(DatabaseUnavailable("the history is closed; Fooocus is shutting down"))
            return future
        self._queue.put(Change(action, future, retry, locks))
        return future

    def close(self, within_s: float | None = None) -> bool:
        """Finish the queued changes and stop. Return False if that takes longer than `within_s`, by default
        WRITER_CLOSE_TIMEOUT_S. A second call does nothing."""
        self._closing = True
        self._queue.put(None)
        self._thread.join(WRITER_CLOSE_TIMEOUT_S if within_s is None else within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        tries = 0
        while True:
            batch, last = self._next(BACKOFF_S[min(tries, len(BACKOFF_S)) - 1] if self._retries else None)
            if batch:
                tries = 0 if self._commit(batch) else tries + 1
            elif not last:
                self._check_file()
            if last:
                break
        for change in self._retries:
            change.future.set_exception(DatabaseUnavailable(self.problem or "closed"))
        self._connection.close_thread()

    def _next(self, pause: float | None) -> tuple[list[Change], bool]:
        """Return the changes to retry and those queued since, and whether they are the last."""
        batch, self._retries = self._retries, []
        if pause is not None and not self._closing:
            time.sleep(pause)
        with contextlib.suppress(queue.Empty):
            for _ in range(MAX_BATCH):
                change = self._queue.get(block=not batch, timeout=CHECK_INTERVAL_S)
                if change is None:
                    return batch, True
                batch.append(change)
        return batch, False

    def _commit(self, batch: list[Change]) -> bool:
        """Run all changes in one transaction. Return False if the database refuses it."""
        try:
            outcomes = self._outcomes_on_connection(batch)
        except (DatabaseError, InterfaceError, DatabaseProblem) as error:
            if is_conflict(error) and len(batch) > 1:
                return self._commit_singly(batch)
            self._fail_batch(batch, error)
            return False
        self._recovered()
        for change, value, failure in outcomes:
            _complete(change.future, value, failure)
        return True

    def _commit_singly(self, batch: list[Change]) -> bool:
        """Commit each change by itself: it needs few rows that another process may have. Return False if one is refused."""
        for number, change in enumerate(batch, 1):
            if not self._commit([change]):
                self._retries += batch[number:]
                return False
        return True

    def _outcomes_on_connection(self, batch: list[Change]) -> list[tuple[Change, Any, BaseException | None]]:
        """Return `_outcomes`. A server that has restarted has cut the connection: as long as nothing was committed, a new one is
        opened, once."""
        for is_last in (False, True):
            self._is_committing = False
            try:
                self._connection.check()
                if self._database.is_closed():
                    self._connection.open()
                outcomes = self._outcomes(batch)
                self._connection.check()  # a commit to a file that has disappeared is lost
                return outcomes
            except (DatabaseError, InterfaceError):
                if is_last or self._is_committing or not _is_cut(self._database):
                    raise
                self._connection.close_thread()
        raise AssertionError("unreachable")

    def _outcomes(self, batch: list[Change]) -> list[tuple[Change, Any, BaseException | None]]:
        """Return each change with its result and its error, after the commit. A conflict with another process repeats all."""
        needed = {number for change in batch for number in change.locks} if self._connection.is_shared else ()
        retries = 1 if len(batch) > 1 else CONFLICT_RETRIES
        for is_last in (*[False] * retries, True):
            try:
                if len(batch) == 1:
                    return [(batch[0], *self._attempt(batch[0], needed, commits=True))]
                with self._database.atomic():  # in which each change has a savepoint
                    locks.take(self._database, needed)
                    outcomes = [(change, *self._attempt(change)) for change in batch]
                    self._is_committing = True
                return outcomes
            except DatabaseError as error:
                if is_last or not is_conflict(error):
                    raise
                log.debug("conflict with another process; repeating", extra={"reason": str(error)})
        raise AssertionError("unreachable")

    def _check_file(self) -> None:
        """Check the file while there is nothing to write, to notice that it disappears or returns."""
        try:
            self._connection.check()
        except FileIsGone as error:
            self._report_problem(str(error))
            self._gone = True
        else:
            if self._gone:
                self._recovered()

    def _report_problem(self, reason: str) -> None:
        if self.problem is None:
            log.error("database write failed; retrying", extra={"reason": reason})
        self.problem = reason

    def _recovered(self) -> None:
        self._gone = False
        if self.problem is not None:
            self.problem = None
            log.warning("database writes resumed")

    def _attempt(
        self, change: Change, needed: Iterable[int] = (), *, commits: bool = False
    ) -> tuple[Any, BaseException | None]:
        """Run one change, with the locks that it needs, and return its result and its error. A change that fails by itself does
        not undo others.

        Args:
            commits: the change has no other transaction around it.
        """
        try:
            with self._database.atomic():
                locks.take(self._database, needed)
                result = change.action()
                self._is_committing = commits
            return result, None
        except BaseException as error:  # any error: without this thread nothing is written
            if is_unavailable(error):
                raise
            return None, error

    def _fail_batch(self, batch: list[Change], error: Exception) -> None:
        reason = reason_of(error)
        self._report_problem(reason)
        if isinstance(error, FileIsGone):
            self._gone = True  # keep the connection: on closing, SQLite would take the new file's log for its own
        else:
            self._connection.close_thread()  # the next attempt opens a new one
        for change in batch:
            if change.retry:
                self._retries.append(change)
            else:
                refusal = DatabaseUnavailable(f"the history can't be written: {reason}", short_reason_of(error))
                _complete(change.future, None, refusal)


def reason_of(error: BaseException) -> str:
    """Return the original error: when the disk is full SQLite rolls back by itself, and then reports that our own rollback has
    nothing to roll back."""
    while "cannot rollback" in str(error) and (before := error.__cause__ or error.__context__) is not None:
        error = before
    return str(error)


def short_reason_of(error: BaseException) -> str:
    """Return the reason in a few words that name no path, "" if there are none for it."""
    if isinstance(error, FileIsGone):
        return GONE_WORDS
    return FULL_WORDS if "disk is full" in reason_of(error) else ""
