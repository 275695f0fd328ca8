"""The batches in the database: each change of a row in one transaction with that of its task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from ...db.repository import Repository
from ...db.statements import outbox
from ...db.statements.batches import batches, items
from ..model.rows import from_row
from ..model.task import Task, TaskError, TaskStatus
from .changes import BatchChanges
from .model import (
    Batch,
    Counts,
    Row,
    RowTask,
    batch_of,
    counts_of,
    error_text,
    row_of,
    row_task_of,
)
from .row_ends import end_if_done, end_row

T = TypeVar("T")


class RowTaken(Exception):
    """The row does not wait any more, or its batch does not run."""


class UnknownBatch(Exception):
    """The id belongs to no batch."""


class WrongBatchState(Exception):
    """The batch's state does not permit the operation; the message names the state."""


class BatchStore:
    """Reads and writes batches. The functions that return a future may be called by any thread, the others block."""

    def __init__(self, repository: Repository, changes: BatchChanges) -> None:
        self._repository = repository
        self._changes = changes

    # ---------------------------------------------------------------- reading

    def get(self, batch_id: str) -> Batch | None:
        """Return a batch that clients may see, None without one."""
        row = self._read(lambda: batches.one(batch_id))
        return None if row is None else batch_of(row)

    def numbered(self, number: int) -> Batch | None:
        """Return any batch, None without one."""
        row = self._read(lambda: batches.numbered(number))
        return None if row is None else batch_of(row)

    def page(
        self, sources: Sequence[str], states: Sequence[str], offset: int, limit: int
    ) -> tuple[list[tuple[Batch, Counts]], int]:
        """Return batches with their counts, the newest first, and the number of all."""

        def read() -> tuple[list[tuple[Batch, Counts]], int]:
            rows, total = batches.page(sources, states, offset, limit)
            return [(batch_of(row), counts_of(items.counts(row["id"]))) for row in rows], total

        return self._read(read)

    def counts(self, batch: Batch) -> Counts:
        """Return the numbers of a batch's rows."""
        return counts_of(self._read(lambda: items.counts(batch.number)))

    def rows(self, batch: Batch, states: Sequence[str], after: int, limit: int, last: int | None = None) -> list[Row]:
        """Return rows with these states behind the row `after`, in their order, none behind `last`.

        Raises:
            UnknownBatch: the batch was deleted in between.
        """
        return self._rows_of(batch, lambda: items.page(batch.number, states, after, limit, last))

    def ended(self, batch: Batch, after: int, limit: int, last: int) -> list[Row]:
        """Return the ended rows behind the row `after`, in their order, none behind `last`. Raises as `rows` does."""
        return self.rows(batch, items.ENDED, after, limit, last)

    def ended_since(self, batch: Batch, sequence: int, limit: int) -> list[Row]:
        """Return the rows that ended after that number, in the order of their ends. Raises as `rows` does."""
        return self._rows_of(batch, lambda: items.ended_since(batch.number, sequence, limit))

    def with_tasks(self, rows: Sequence[Row]) -> list[tuple[Row, Task | None]]:
        """Return rows with their tasks, None for one without a task or whose record was deleted."""

        def read() -> list[tuple[Row, Task | None]]:
            found = [self._repository.get(row.task_id) if row.task_id else None for row in rows]
            return [(row, from_row(task) if task else None) for row, task in zip(rows, found, strict=True)]

        return self._read(read)

    def images(self, batch: Batch, after: int, last: int) -> int:
        """Return the number of images that the rows behind `after` and not behind `last` request."""
        return self._read(lambda: items.images_between(batch.number, after, last))

    def in_queue_by_batch(self, state: str) -> list[tuple[int, int]]:
        """Return the number of each batch in that state, and the number of its rows in the queue."""
        return self._read(lambda: batches.in_queue_by_batch(state))

    def in_queue(self, number: int) -> list[tuple[int, str, str]]:
        """Return number, state and task of each of a batch's rows whose task has not ended."""
        return self._read(lambda: items.in_queue(number))

    def next_waiting(self, batch: Batch) -> RowTask | None:
        """Return the next row to queue, None without one."""
        row = self._read(lambda: items.next_waiting(batch.number))
        return None if row is None else row_task_of(batch, row)

    # ---------------------------------------------------------------- queueing

    def take(self, batch: Batch, row: RowTask, task: Task) -> None:
        """Mark a row as queued, in the transaction that adds its task. On the writer's thread.

        Raises:
            RowTaken: the row does not wait any more, or its batch does not run.
        """
        batches.hold(batch.number)
        now = batches.numbered(batch.number)
        if now is None or now["batch_id"] != batch.batch_id or now["state"] != batches.RUNNING:
            raise RowTaken(row.number)
        if not items.mark(batch.number, row.number, (items.WAITING,), state=items.QUEUED, task_id=task.task_id):
            raise RowTaken(row.number)

    def fail(self, batch: Batch, row: RowTask, error: TaskError) -> None:
        """End a waiting row whose task can't be created."""

        def change() -> None:
            batches.hold(batch.number)
            values = {"state": items.FAILED, "error": error_text(error)}
            if items.mark(batch.number, row.number, (items.WAITING,), **values):
                sequence = batches.next_sequence(batch.number)
                items.mark(batch.number, row.number, (items.FAILED,), sequence=sequence)
                end_if_done(batch.number)

        self._change(batch, change)

    def settle(self, number: int) -> None:
        """Record the ends of rows whose tasks have ended or are gone, which their tasks' ends could not record."""

        def change() -> None:
            batches.hold(number)
            for row_number, _, task_id in items.in_queue(number):
                row, found = items.one(number, row_number), self._repository.get(task_id)
                gone = Task(task_id, "", {}, TaskStatus.FAILED, error=GONE)
                task = gone if found is None else from_row(found)
                if row is not None and task.status.is_terminal:
                    end_row(number, row, task)
            end_if_done(number)

        self._write(change).result()

    # --------------------------------------------------------------- control

    def stop(self, batch: Batch) -> None:
        """Queue no more rows, and let those whose tasks have not started wait again.

        Raises:
            WrongBatchState: the batch does not run.
        """

        def change() -> None:
            _require(batch, batches.RUNNING)
            batches.update(batch.number, state=batches.STOPPED)
            items.mark_all(batch.number, (items.QUEUED,), state=items.RECALLED)

        self._change(batch, change)

    def resume(self, batch: Batch) -> None:
        """Let a stopped batch continue.

        Raises:
            WrongBatchState: the batch is not stopped.
        """

        def change() -> None:
            _require(batch, batches.STOPPED)
            batches.update(batch.number, state=batches.RUNNING)

        self._change(batch, change)

    def retry(self, batch: Batch, *, cancelled: bool = False) -> int:
        """Let the failed rows wait again, and `cancelled` ones if wanted. Return their number. Invalid rows are left out.

        Raises:
            WrongBatchState: there is no such row, or the batch is being deleted.
        """

        def change() -> int:
            _require(batch, *batches.VISIBLE)
            again = {"state": items.WAITING, "task_id": None, "error": None, "sequence": -1}
            states = (items.FAILED, items.CANCELLED) if cancelled else (items.FAILED,)
            number = items.mark_all(batch.number, states, with_content=True, **again)
            if not number:
                raise WrongBatchState(f"batch {batch.batch_id} has no row to retry")
            if (batches.numbered(batch.number) or {})["state"] == batches.ENDED:
                delivery = {} if batch.message.state == "none" else {"delivery": outbox.WAITING, "due_at": -1}
                batches.update(batch.number, state=batches.RUNNING, ended_at=-1, **delivery)
            return number

        return self._change(batch, change)

    def delete(self, batch: Batch, *, images_too: bool) -> None:
        """Hide a batch, whose rows are then deleted in portions, with their tasks and images if `images_too`.

        Raises:
            UnknownBatch: it is deleted already.
        """

        def change() -> None:
            _require(batch, *batches.VISIBLE)
            batches.update(
                batch.number, state=batches.DELETED, images_too=images_too, delivery="none", idempotency_key=None
            )
            items.mark_all(batch.number, (items.WAITING,), state=items.CANCELLED)

        self._change(batch, change)

    def forget(self, number: int, rows: Sequence[int]) -> None:
        """Delete rows of a deleted batch, or the batch itself without any."""
        self._write(lambda: items.delete_some(number, rows) if rows else batches.delete(number)).result()

    # ---------------------------------------------------------------- running

    def _rows_of(self, batch: Batch, query: Callable[[], list[dict[str, Any]]]) -> list[Row]:
        def read() -> list[dict[str, Any]]:
            found = query()
            now = batches.one(batch.batch_id)  # after the rows, which would be those of another batch with its number
            if now is None or now["id"] != batch.number:
                raise UnknownBatch(batch.batch_id)
            return found

        return [row_of(row) for row in self._read(read)]

    def _read(self, query: Callable[[], T]) -> T:
        return self._repository.read(query)

    def _write(self, change: Callable[[], T]) -> Future[T]:
        return self._repository.write(change)

    def _change(self, batch: Batch, change: Callable[[], T]) -> T:
        result = self._write(change).result()
        self._changes.signal(batch.batch_id)
        return result


GONE = TaskError("TaskGone", "the record of the row's task was deleted before the row's end was recorded")


def _require(batch: Batch, *states: str) -> None:
    batches.hold(batch.number)
    row = batches.numbered(batch.number)
    if row is None or row["batch_id"] != batch.batch_id or row["state"] == batches.DELETED:
        raise UnknownBatch(batch.batch_id)
    if row["state"] not in states:
        raise WrongBatchState(f"batch {batch.batch_id} is not {states[0]}: it is {row['state']}")
