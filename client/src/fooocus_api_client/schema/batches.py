"""Batches and their rows.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .images import Image, TaskError
from .message import Message


@dataclass(frozen=True)
class BatchCounts(Message):
    """The numbers of a batch's rows by their state."""

    total: int
    """All rows."""
    waiting: int
    """Rows that are not in the queue yet."""
    queued: int
    """Rows whose tasks wait in the queue."""
    running: int
    """Rows whose tasks run."""
    succeeded: int
    """Rows with their images."""
    failed: int
    """Rows whose tasks failed, and invalid rows."""
    cancelled: int
    """Rows whose tasks were stopped."""


@dataclass(frozen=True)
class BatchPause(Message):
    """The reason why a running batch queues no row now. It continues by itself."""

    code: str
    """`disk_full`, `images_per_day`, `pending_tasks`, `max_pending`, `key_unusable`, `engine_unavailable` or
    `history_unavailable`."""
    reason: str
    """The reason in words that may change."""
    retry_seconds: float
    """Seconds between two tries."""


@dataclass(frozen=True)
class BatchFailure(Message):
    """One failed row."""

    row: int
    """The number of the row, from 1."""
    custom_id: str
    """The id of the row; its number by default."""
    task_id: Optional[str]
    """The task; null for a row that was never queued."""
    error: Optional[TaskError]
    """The error of the task, or the errors of the row."""


@dataclass(frozen=True)
class BatchWebhook(Message):
    """The message about the end of the batch."""

    url: str
    """The receiver; empty for the one of the launch flag."""
    status: str
    """`none`, `waiting` (for the end), `pending`, `delivered` or `failed`."""
    attempts: int
    """The number of attempts so far."""
    next_attempt_mills: int
    """The time of the next attempt in milliseconds since 1970, -1 for none."""
    last_status: Optional[int]
    """The HTTP status of the last response; null without a response."""
    last_error: Optional[str]
    """The error of the last attempt, if it failed for another reason."""


@dataclass(frozen=True)
class Batch(Message):
    """One batch. Times are milliseconds since 1970, -1 while unknown."""

    batch_id: str
    """32 hexadecimal digits."""
    status: str
    """`running`; `paused`: it waits for a quota or for disk space, and continues by itself; `stopped`: by a request;
    `ended`: each row has ended."""
    source: str
    """The name of the key that sent the batch, or `api`."""
    created_mills: int
    """The time of the request."""
    ended_mills: int
    """The time of the last row's end."""
    counts: BatchCounts
    """The numbers of the rows."""
    eta_seconds: Optional[float]
    """Seconds until the end if no other task comes first; null if unknown."""
    results_url: str
    """The URL of the results."""
    archive_url: str
    """The URL of the archive of images."""
    webhook: BatchWebhook
    """The message about the end."""
    pause: Optional[BatchPause] = None
    """Only of a paused batch."""
    failures: Optional[list[BatchFailure]] = None
    """The first 100 failed rows; not in lists."""


@dataclass(frozen=True)
class BatchList(Message):
    """One page of batches, the newest first."""

    batches: list[Batch]
    """The batches, without their failures."""
    total: int
    """The number of all batches that match."""


@dataclass(frozen=True)
class BatchResult(Message):
    """One row that has ended: a line of the results, and the data of an event `row`."""

    row: int
    """The number of the row, from 1."""
    custom_id: str
    """The id of the row; its number by default."""
    status: str
    """`succeeded`, `failed` or `cancelled`."""
    task_id: Optional[str]
    """The task; null for a row that was never queued."""
    images: list[Image]
    """The images, empty if the task's record was deleted."""
    error: Optional[TaskError]
    """The error of a failed row."""
