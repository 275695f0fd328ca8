"""Batches. `add`, `update`, `next_sequence`, `delete` and `delete_ended` change the database; the others read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from peewee import JOIN, Expression, fn

from ...tables import BatchItemRow, BatchRow, shard
from .items import IN_QUEUE

RUNNING, STOPPED, ENDED, DELETED = "running", "stopped", "ended", "deleted"
OPEN = (RUNNING, STOPPED)
VISIBLE = (*OPEN, ENDED)
"""States of the batches that clients see; the rows of the others are still being deleted."""
NO_INPUTS = "[]"
_LISTED = [field for field in BatchRow._meta.sorted_fields if field not in (BatchRow.base, BatchRow.inputs)]


def add(values: dict[str, Any]) -> int:
    """Add a batch and return its number."""
    return int(BatchRow.insert(values).execute())


def one(batch_id: str) -> dict[str, Any] | None:
    """Return a batch with its base by its id, None if there is none or it is being deleted."""
    if "\0" in batch_id:  # PostgreSQL has no such text, and would refuse the query
        return None
    return _first((BatchRow.batch_id == batch_id) & BatchRow.state.in_(list(VISIBLE)))


def numbered(number: int) -> dict[str, Any] | None:
    """Return a batch with its base by its number, or None."""
    return _first(BatchRow.id == number)


def with_idempotency_key(key: str) -> dict[str, Any] | None:
    """Return the batch that was sent with this key, or None."""
    return _first(BatchRow.idempotency_key == key)


def page(sources: Sequence[str], states: Sequence[str], offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Return batches of these sources, of all without any, without their bases, the newest first; and the number of all."""
    condition: Expression = BatchRow.state.in_(list(states))
    if sources:
        condition = condition & BatchRow.source.in_(list(sources))
    query = BatchRow.select(*_LISTED).where(condition).order_by(BatchRow.id.desc())
    return list(query.limit(limit).offset(offset).dicts()), int(BatchRow.select().where(condition).count())


def in_queue_by_batch(state: str) -> list[tuple[int, int]]:
    """Return the number of each batch in that state, and the number of its rows in the queue, the oldest first."""
    joined = (BatchItemRow.batch == BatchRow.id) & BatchItemRow.state.in_(list(IN_QUEUE))
    query = BatchRow.select(BatchRow.id, fn.COUNT(BatchItemRow.number)).join(BatchItemRow, JOIN.LEFT_OUTER, on=joined)
    return list(query.where(BatchRow.state == state).group_by(BatchRow.id).order_by(BatchRow.id).tuples())


def count_open(source: str) -> int:
    """Return the number of batches of a source that have not ended."""
    return int(BatchRow.select().where((BatchRow.source == source) & BatchRow.state.in_(list(OPEN))).count())


def hold(number: int) -> None:
    """Let no other process change this batch or its rows, which each change holds first, until the end of the transaction."""
    if shard.is_one_of_several:
        BatchRow.select(BatchRow.id).where(BatchRow.id == number).for_update().tuples().first()


def update(number: int, **values: Any) -> bool:
    """Change columns of a batch. Return False if it does not exist."""
    return bool(BatchRow.update(values).where(BatchRow.id == number).execute())


def next_sequence(number: int) -> int:
    """Count one more end of a row of this batch, and return the count."""
    BatchRow.update(sequence=BatchRow.sequence + 1).where(BatchRow.id == number).execute()
    return int(BatchRow.select(BatchRow.sequence).where(BatchRow.id == number).scalar())


def delete(number: int) -> None:
    """Delete a batch whose rows are deleted."""
    BatchRow.delete().where(BatchRow.id == number).execute()


def delete_ended(before: int, limit: int) -> int:
    """Delete batches with their rows that ended before this time, in milliseconds since 1970, at most `limit`; not their tasks.

    Return their number.
    """
    query = BatchRow.select(BatchRow.id).where((BatchRow.state == ENDED) & (BatchRow.ended_at < before)).limit(limit)
    numbers = [number for (number,) in query.tuples()]
    return int(BatchRow.delete().where(BatchRow.id.in_(numbers)).execute()) if numbers else 0


def inputs_in_use(file_names: Sequence[str]) -> set[str]:
    """Return those of these inputs that a row of a batch uses."""
    query = BatchRow.select(BatchRow.inputs).where(BatchRow.state.in_(list(VISIBLE)) & (BatchRow.inputs != NO_INPUTS))
    used = {name for (names,) in query.tuples() for name in json.loads(names)}
    return used & set(file_names)


def _first(condition: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = BatchRow.select().where(condition).dicts().first()
    return found
