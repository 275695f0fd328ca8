"""Batches and their rows, as values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...db.encoding import as_json
from ...db.statements.batches import batches, items
from ...db.statements.outbox import Attempt
from ..model.task import TaskError


@dataclass(frozen=True)
class NewRow:
    """A row to store. `parameters` are those of its task, None if it is invalid for the reason `error`; `images` is the number of
    images that it requests."""

    number: int
    custom_id: str
    parameters: dict[str, Any] | None = None
    downloads: list[dict[str, str]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    images: int = 1
    error: TaskError | None = None


@dataclass(frozen=True)
class NewBatch:
    """A batch to store. `inputs` are the file names of the inputs that its rows use.

    Its message goes to `hook`, in which the URLs begin with `base_url`, or to the launch flag's receiver if that is empty.
    """

    source: str
    rows: list[NewRow]
    inputs: frozenset[str] = frozenset()
    hook: str = ""
    base_url: str = ""


@dataclass(frozen=True)
class BatchMessage:
    """The message about a batch's end: its receiver, its state, the number of tries, the time of the next one in milliseconds
    since 1970 (-1 for none), and the last attempt."""

    url: str
    state: str
    tries: int
    due_at: int
    last: Attempt | None


@dataclass(frozen=True)
class Batch:
    """A batch as stored. Times are milliseconds since 1970, -1 for none; `sequence` is the number of ends of rows so far."""

    number: int
    batch_id: str
    source: str
    state: str
    created_at: int
    ended_at: int
    total: int
    sequence: int
    base_url: str
    message: BatchMessage
    base: dict[str, Any] = field(default_factory=dict)
    images_too: bool = False

    @property
    def has_ended(self) -> bool:
        return self.state == batches.ENDED


@dataclass(frozen=True)
class Row:
    """A row as stored."""

    number: int
    custom_id: str
    state: str
    sequence: int
    task_id: str | None
    error: TaskError | None


@dataclass(frozen=True)
class RowTask:
    """A waiting row with all that its task needs. `images` is the number of images that it requests."""

    number: int
    custom_id: str
    images: int
    parameters: dict[str, Any]
    downloads: list[dict[str, str]]
    notes: dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """The rows of a batch by their state. `queued` ones have a task, `running` is among them; `images_left` are the images of all
    rows that have not ended."""

    waiting: int = 0
    queued: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    images_left: int = 0

    @property
    def left(self) -> int:
        """The number of rows that have not ended."""
        return self.waiting + self.queued


@dataclass(frozen=True)
class Pause:
    """The reason why a running batch queues no row now; it continues by itself. `retry_s` are the seconds until the next try."""

    code: str
    reason: str
    retry_s: float


def batch_of(row: dict[str, Any]) -> Batch:
    """Return the batch of a database row."""
    answer = json.loads(row["answer"]) if row["answer"] else None
    return Batch(
        row["id"],
        row["batch_id"],
        row["source"],
        row["state"],
        row["created_at"],
        row["ended_at"],
        row["total"],
        row["sequence"],
        row["base_url"],
        BatchMessage(row["url"], row["delivery"], row["tries"], row["due_at"], Attempt(**answer) if answer else None),
        json.loads(row.get("base") or "{}"),
        bool(row["images_too"]),
    )


def row_of(row: dict[str, Any]) -> Row:
    """Return the row of a database row."""
    error = TaskError(**json.loads(row["error"])) if row["error"] else None
    return Row(row["number"], row["custom_id"], row["state"], row["sequence"], row["task_id"], error)


def row_task_of(batch: Batch, row: dict[str, Any]) -> RowTask:
    """Return what a stored row's task needs."""
    content = json.loads(row["content"])
    parameters = {**batch.base, **content["changes"]}
    return RowTask(row["number"], row["custom_id"], row["images"], parameters, content["downloads"], content["notes"])


def counts_of(found: dict[str, tuple[int, int]]) -> Counts:
    """Return the counts of rows and images by state."""
    rows = {state: number for state, (number, _) in found.items()}
    return Counts(
        rows.get(items.WAITING, 0),
        sum(rows.get(state, 0) for state in items.IN_QUEUE),
        rows.get(items.SUCCEEDED, 0),
        rows.get(items.FAILED, 0),
        rows.get(items.CANCELLED, 0),
        sum(images for state, (_, images) in found.items() if state in items.OPEN),
    )


def base_of(rows: Iterable[NewRow]) -> dict[str, Any]:
    """Return the parameters of the first valid row: the others store what they change, a hundredth of the whole."""
    return next((row.parameters for row in rows if row.parameters is not None), {})


def columns_of(row: NewRow, base: dict[str, Any]) -> dict[str, Any]:
    """Return the database's columns of a new row. The names in `base` are those of every row."""
    state, content = items.WAITING, None
    if row.parameters is None:
        state = items.FAILED
    else:
        changes = {name: value for name, value in row.parameters.items() if name not in base or base[name] != value}
        content = as_json({"changes": changes, "downloads": row.downloads, "notes": row.notes})
    return {
        "number": row.number,
        "custom_id": row.custom_id,
        "state": state,
        "images": row.images if content else 0,
        "sequence": -1,
        "content": content,
        "error": error_text(row.error),
    }


def error_text(error: TaskError | None) -> str | None:
    """Return an error as it is stored."""
    return None if error is None else as_json({"type": error.type, "message": error.message[:MAX_ERROR_LENGTH]})


MAX_ERROR_LENGTH = 2000
