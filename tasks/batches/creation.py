"""Creates batches, each once for its idempotency key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...auth.rate_limit import LimitReached
from ...db import locks
from ...db.encoding import as_json
from ...db.repository import Repository
from ...db.statements import outbox
from ...db.statements.batches import batches, items
from ..model.task import new_task_id, now_ms
from ..queue.submission import Idempotency, IdempotencyConflict
from ..webhooks.delivery import receiver_of
from .changes import BatchChanges
from .model import Batch, NewBatch, base_of, batch_of, columns_of

MAX_OPEN_BATCHES = 50
"""Batches of one source that have not ended."""
RETRY_S = 60
MAX_STORED_BYTES = 64 * 2**20
"""Bytes that the rows of one batch may occupy in the database: twice the longest body, as a combination multiplies its texts."""


class BatchTooLarge(Exception):
    """The rows of a batch would occupy too much of the database."""


class BatchCreation:
    """Stores new batches. Its functions block."""

    def __init__(self, repository: Repository, changes: BatchChanges, *, default_receiver: bool) -> None:
        """Store the parts. `default_receiver` is true if the launch flag names a receiver for batches without one."""
        self._repository = repository
        self._changes = changes
        self._has_default = default_receiver

    def find_replay(self, idempotency: Idempotency) -> Batch | None:
        """Return the batch that an earlier, identical request created, None without one.

        Raises:
            IdempotencyConflict: the key was used for a different request.
        """
        return self._repository.read(lambda: _repeated(idempotency))

    def create(self, new: NewBatch, idempotency: Idempotency | None = None) -> tuple[Batch, bool]:
        """Store a batch, or return the one of an earlier, identical request and True.

        Raises:
            DatabaseUnavailable, LimitReached, IdempotencyConflict, BatchTooLarge: nothing was stored.
        """
        base = base_of(new.rows)
        rows = list(_within_limit(columns_of(row, base) for row in new.rows))
        has_hook = bool(new.hook) or self._has_default
        values = {
            "batch_id": new_task_id(),
            "source": new.source,
            "state": batches.RUNNING,
            "created_at": now_ms(),
            "ended_at": -1,
            "total": len(rows),
            "sequence": 0,
            "base": as_json(base),
            "inputs": as_json(sorted(new.inputs)),
            "images_too": False,
            "url": new.hook,
            "receiver": receiver_of(new.hook),
            "base_url": new.base_url,
            "delivery": outbox.WAITING if has_hook else "none",
            "due_at": -1,
            "since": -1,
            "tries": 0,
            "idempotency_key": idempotency.key if idempotency else None,
            "fingerprint": idempotency.fingerprint if idempotency else None,
        }

        def change() -> tuple[Batch, bool]:
            earlier = _repeated(idempotency) if idempotency is not None else None
            if earlier is not None:
                return earlier, True
            if batches.count_open(new.source) >= MAX_OPEN_BATCHES:
                words = f"{MAX_OPEN_BATCHES} batches have not ended, the maximum; delete one, or retry later"
                raise LimitReached("open_batches", MAX_OPEN_BATCHES, RETRY_S, words)
            number = batches.add(values)
            items.add(number, rows)
            for row in rows:
                if row["state"] == items.FAILED:
                    items.mark(number, row["number"], (items.FAILED,), sequence=batches.next_sequence(number))
            found = batches.numbered(number)
            assert found is not None  # nosec B101  # the row was inserted just above
            return batch_of(found), False

        batch, repeated = self._repository.write(change, locks=(locks.ADMISSION,)).result()
        self._changes.signal(batch.batch_id)
        return batch, repeated


def _within_limit(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows as long as they are not too large together.

    Raises:
        BatchTooLarge: they are.
    """
    stored = 0
    for row in rows:
        stored += len((row["content"] or row["error"] or "").encode())
        if stored > MAX_STORED_BYTES:
            most = f"at most {MAX_STORED_BYTES // 2**20} MiB are allowed"
            raise BatchTooLarge(
                f"rows of the batch are too large together; {most}, send several batches or shorter texts"
            )
        yield row


def _repeated(idempotency: Idempotency) -> Batch | None:
    row = batches.with_idempotency_key(idempotency.key)
    if row is None:
        return None
    if row["fingerprint"] != idempotency.fingerprint:
        raise IdempotencyConflict("the Idempotency-Key was used for a different request; use a new key")
    return batch_of(row)
