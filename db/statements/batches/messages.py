"""Messages about ended batches: the part of the webhook outbox whose rows belong to batches. `record_attempt` changes the
database; the others read."""

from __future__ import annotations

from typing import Any

from peewee import fn

from ...encoding import as_json
from ...tables import BatchRow
from ..outbox import PENDING, Attempt, Message


def due() -> dict[str, int]:
    """Return each receiver with a pending message, and the time when its first message is due."""
    query = BatchRow.select(BatchRow.receiver, fn.MIN(BatchRow.due_at)).where(BatchRow.delivery == PENDING)
    return dict(query.group_by(BatchRow.receiver).tuples())


def due_for(receiver: str) -> int | None:
    """Return the time when this receiver's next message is due, or None."""
    found: int | None = BatchRow.select(fn.MIN(BatchRow.due_at)).where(_pending(receiver)).scalar()
    return found


def next_for(receiver: str) -> Message | None:
    """Return the message to this receiver that is due first, with the batch's id as that of its task; or None."""
    row = BatchRow
    columns = (row.batch_id, row.url, row.base_url, row.delivery, row.due_at, row.since, row.tries)
    found = row.select(*columns).where(_pending(receiver)).order_by(row.due_at).tuples().first()
    return None if found is None else Message(*found)


def record_attempt(message: Message, attempt: Attempt, state: str, due_at: int) -> None:
    """Record an attempt and the state that follows, unless the message was made due again since it was read."""
    answer = {"at": attempt.at, "duration_ms": attempt.duration_ms, "status": attempt.status, "error": attempt.error}
    changed = {"delivery": state, "due_at": due_at, "tries": BatchRow.tries + 1, "answer": as_json(answer)}
    same = (BatchRow.batch_id == message.task_id) & (BatchRow.since == message.since)
    BatchRow.update(changed).where(same & (BatchRow.delivery == PENDING)).execute()


def _pending(receiver: str) -> Any:
    return (BatchRow.delivery == PENDING) & (BatchRow.receiver == receiver)
