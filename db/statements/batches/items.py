"""Rows of batches. `add`, `mark`, `mark_all` and `delete_some` change the database; the others read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from peewee import Expression, chunked, fn

from ...tables import BatchItemRow

WAITING, QUEUED, RECALLED = "waiting", "queued", "recalled"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
IN_QUEUE = (QUEUED, RECALLED)
"""States of rows that have a task which has not ended; a recalled one waits again if its task has not started."""
OPEN = (WAITING, *IN_QUEUE)
ENDED = (SUCCEEDED, FAILED, CANCELLED)
ROWS_AT_ONCE = 50
"""Rows in one statement: some SQLite versions take no more than 999 values."""


def add(batch: int, rows: Iterable[dict[str, Any]]) -> None:
    """Add rows to a batch, as dictionaries of column values."""
    for part in chunked(({**row, "batch": batch} for row in rows), ROWS_AT_ONCE):
        BatchItemRow.insert_many(part).execute()


def one(batch: int, number: int) -> dict[str, Any] | None:
    """Return a row, or None."""
    found: dict[str, Any] | None = BatchItemRow.select().where(_row(batch, number)).dicts().first()
    return found


def next_waiting(batch: int) -> dict[str, Any] | None:
    """Return the first row that waits, or None."""
    query = BatchItemRow.select().where((BatchItemRow.batch == batch) & (BatchItemRow.state == WAITING))
    found: dict[str, Any] | None = query.order_by(BatchItemRow.number).dicts().first()
    return found


def counts(batch: int) -> dict[str, tuple[int, int]]:
    """Return the number of rows, and of the images that they request, by state."""
    query = BatchItemRow.select(BatchItemRow.state, fn.COUNT(BatchItemRow.number), fn.SUM(BatchItemRow.images))
    found = query.where(BatchItemRow.batch == batch).group_by(BatchItemRow.state).tuples()
    return {state: (int(rows), int(images or 0)) for state, rows, images in found}


def has_open(batch: int) -> bool:
    """Return whether a row has not ended."""
    return bool(_of(batch, OPEN).exists())


def page(batch: int, states: Sequence[str], after: int, limit: int, last: int | None = None) -> list[dict[str, Any]]:
    """Return rows with these states behind the row `after`, in their order, at most `limit`, none behind `last`."""
    query = _of(batch, states).where(BatchItemRow.number > after)
    if last is not None:
        query = query.where(BatchItemRow.number <= last)
    return list(query.order_by(BatchItemRow.number).limit(limit).dicts())


def images_between(batch: int, after: int, last: int) -> int:
    """Return the number of images that the rows behind `after` and not behind `last` request."""
    query = BatchItemRow.select(fn.SUM(BatchItemRow.images)).where(BatchItemRow.batch == batch)
    return int(query.where((BatchItemRow.number > after) & (BatchItemRow.number <= last)).scalar() or 0)


def ended_since(batch: int, sequence: int, limit: int) -> list[dict[str, Any]]:
    """Return the rows that ended after that number, in the order of their ends, at most `limit`."""
    query = BatchItemRow.select().where((BatchItemRow.batch == batch) & (BatchItemRow.sequence > sequence))
    return list(query.order_by(BatchItemRow.sequence).limit(limit).dicts())


def in_queue(batch: int) -> list[tuple[int, str, str]]:
    """Return number, state and task of each row whose task has not ended."""
    query = _of(batch, IN_QUEUE).where(BatchItemRow.task_id.is_null(False))
    return list(query.select(BatchItemRow.number, BatchItemRow.state, BatchItemRow.task_id).tuples())


def mark(batch: int, number: int, before: Sequence[str], **values: Any) -> bool:
    """Change a row. Return False if it does not exist or has no state of `before`."""
    query = BatchItemRow.update(values).where(_row(batch, number) & BatchItemRow.state.in_(list(before)))
    return bool(query.execute())


def mark_all(batch: int, before: Sequence[str], *, with_content: bool = False, **values: Any) -> int:
    """Change all rows with a state of `before`, only those that can be generated if `with_content`. Return their number."""
    query = BatchItemRow.update(values).where(_in(batch, before))
    if with_content:
        query = query.where(BatchItemRow.content.is_null(False))
    return int(query.execute())


def delete_some(batch: int, numbers: Sequence[int]) -> None:
    """Delete these rows."""
    BatchItemRow.delete().where((BatchItemRow.batch == batch) & BatchItemRow.number.in_(list(numbers))).execute()


def _row(batch: int, number: int) -> Expression:
    found: Expression = (BatchItemRow.batch == batch) & (BatchItemRow.number == number)
    return found


def _in(batch: int, states: Sequence[str]) -> Expression:
    found: Expression = (BatchItemRow.batch == batch) & BatchItemRow.state.in_(list(states))
    return found


def _of(batch: int, states: Sequence[str]) -> Any:
    return BatchItemRow.select().where(_in(batch, states))
