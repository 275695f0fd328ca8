"""One thread for all changes; those that wait are committed together. Called by the repository."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from peewee import DatabaseError, InterfaceError

from .connection import Connection, DatabaseProblem, FileIsGone
from .placement import FULL_WORDS, GONE_WORDS

log = logging.getLogger("fooocus_api.db")

T = TypeVar("T")
MOST_AT_ONCE = 200
LOOK_EVERY = 0.5
"""Seconds after which an idle writer looks for its file."""
PAUSES = (0.1, 0.5, 1.0, 2.0)
"""Seconds between two tries when nothing can be written."""
PATIENCE = 30.0
"""Seconds that the last writes may take when the writer is closed."""


class DatabaseUnavailable(Exception):
    """Nothing can be written now; the message says why, and `words` in a few words that tell no place."""

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.words = words


@dataclass
class Change:
    """`action` to be done; one that `must` be is tried until it is."""

    action: Callable[[], Any]
    future: Future[Any]
    must: bool


def _settle(future: Future[Any], value: Any, failure: BaseException | None) -> None:
    """Give a change's outcome to those who wait for it. What they do with it on this thread can't end the thread."""
    try:
        if failure is None:
            future.set_result(value)
        else:
            future.set_exception(failure)
    except BaseException:  # concurrent.futures itself passes over what is an Exception
        log.exception("what follows a change failed")


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error is not the change's own fault: the disk is full, the file locked, the server gone."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    if "binding parameter" in str(error):  # how Python 3.10's SQLite calls a value that it has no type for
        return False
    return type(error) in (DatabaseError, InterfaceError) or type(error).__name__ == "OperationalError"


class Writer:
    """Runs changes in the order of `write`, each whole or not at all, and is done with one when it is on the disk."""

    def __init__(self, connection: Connection) -> None:
        self.problem: str | None = None
        self._connection = connection
        self._database = connection.database
        self._queue: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._kept: list[Change] = []
        self._closing = False
        self._gone = False
        self._thread = threading.Thread(target=self._run, name="fooocus-api-writer", daemon=True)
        self._thread.start()

    def write(
        self, action: Callable[[], T], then: Callable[[T], None] | None = None, *, must: bool = False
    ) -> Future[T]:
        """Have `action` run on the writer's thread, and `then` with its answer there too, once that is on the disk.

        When the database can't be written the future gets `DatabaseUnavailable`, unless it `must`: then it is tried again,
        before all that comes later, until it is done or the writer is closed.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # who waits may go away, and must not take the change along
        if then is not None:
            future.add_done_callback(lambda done: None if done.exception() else then(done.result()))
        if self._closing:
            future.set_exception(DatabaseUnavailable("the history is closed: Fooocus is ending"))
            return future
        self._queue.put(Change(action, future, must))
        return future

    def close(self, within_s: float | None = None) -> bool:
        """Finish what waits, and end. False when that takes longer than `within_s`, by default PATIENCE. A second call does
        nothing."""
        self._closing = True
        self._queue.put(None)
        self._thread.join(PATIENCE if within_s is None else within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        tries = 0
        while True:
            batch, last = self._next(PAUSES[min(tries, len(PAUSES)) - 1] if self._kept else None)
            if batch:
                tries = 0 if self._commit(batch) else tries + 1
            elif not last:
                self._look()
            if last:
                break
        for change in self._kept:
            change.future.set_exception(DatabaseUnavailable(self.problem or "closed"))
        self._connection.close_thread()

    def _next(self, pause: float | None) -> tuple[list[Change], bool]:
        """What was kept and what has come since; and whether nothing comes any more."""
        batch, self._kept = self._kept, []
        if pause is not None and not self._closing:
            time.sleep(pause)
        with contextlib.suppress(queue.Empty):
            for _ in range(MOST_AT_ONCE):
                change = self._queue.get(block=not batch, timeout=LOOK_EVERY)
                if change is None:
                    return batch, True
                batch.append(change)
        return batch, False

    def _commit(self, batch: list[Change]) -> bool:
        """Run all, together on the disk or not at all. False when the database would not have it."""
        outcomes: list[tuple[Change, Any, BaseException | None]] = []
        try:
            self._connection.check()
            if self._database.is_closed():
                self._connection.open()
            # One alone has its own transaction; of several each has a savepoint in the one they share.
            with self._database.atomic() if len(batch) > 1 else contextlib.nullcontext():
                for change in batch:
                    outcomes.append((change, *self._attempt(change)))
            self._connection.check()  # what is in a file that went meanwhile is not on the disk for anybody
        except (DatabaseError, InterfaceError, DatabaseProblem) as error:
            self._refused(batch, error)
            return False
        self._recovered()
        for change, value, failure in outcomes:
            _settle(change.future, value, failure)
        return True

    def _look(self) -> None:
        """Nothing is to be written: notice all the same when the file goes, or comes back."""
        try:
            self._connection.check()
        except FileIsGone as error:
            self._complain(str(error))
            self._gone = True
        else:
            if self._gone:
                self._recovered()

    def _complain(self, reason: str) -> None:
        if self.problem is None:
            log.error("the database can't be written, trying again", extra={"reason": reason})
        self.problem = reason

    def _recovered(self) -> None:
        self._gone = False
        if self.problem is not None:
            self.problem = None
            log.warning("the database can be written again")

    def _attempt(self, change: Change) -> tuple[Any, BaseException | None]:
        """One change, which takes no other with it when it fails by itself."""
        try:
            with self._database.atomic():
                return change.action(), None
        except BaseException as error:  # whatever it is: nothing is written any more without this thread
            if is_unavailable(error):
                raise
            return None, error

    def _refused(self, batch: list[Change], error: Exception) -> None:
        reason = reason_of(error)
        self._complain(reason)
        if isinstance(error, FileIsGone):
            self._gone = True  # the connection stays: closed, it would take what lies beside the new file for its own
        else:
            self._connection.close_thread()  # the next try opens a new one
        for change in batch:
            if change.must:
                self._kept.append(change)
            else:
                refusal = DatabaseUnavailable(f"the history can't be written: {reason}", words_of(error))
                _settle(change.future, None, refusal)


def reason_of(error: BaseException) -> str:
    """Return what went wrong first: SQLite rolls back by itself when the disk is full, and then says of our own rollback that
    there is nothing to roll back."""
    while "cannot rollback" in str(error) and (before := error.__cause__ or error.__context__) is not None:
        error = before
    return str(error)


def words_of(error: BaseException) -> str:
    """Return the same in a few words that tell no place, "" when there are none for it."""
    if isinstance(error, FileIsGone):
        return GONE_WORDS
    return FULL_WORDS if "disk is full" in reason_of(error) else ""
