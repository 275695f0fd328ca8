"""Schema of a batch and of its rows."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from ...outbound.address_policy import without_userinfo
from ...tasks.batches.model import Batch, Row
from ...tasks.batches.service import BatchView
from ...tasks.model.task import Task
from ..responses.public_urls import PublicUrls
from .task import ImageModel, TaskErrorModel, error_members, image_entry


class BatchCounts(BaseModel):
    """The numbers of a batch's rows by their state."""

    total: int = Field(description="All rows.")
    waiting: int = Field(description="Rows that are not in the queue yet.")
    queued: int = Field(description="Rows whose tasks wait in the queue.")
    running: int = Field(description="Rows whose tasks run.")
    succeeded: int = Field(description="Rows with their images.")
    failed: int = Field(description="Rows whose tasks failed, and invalid rows.")
    cancelled: int = Field(description="Rows whose tasks were stopped.")


class BatchPause(BaseModel):
    """The reason why a running batch queues no row now. It continues by itself."""

    code: str = Field(
        description="`disk_full`, `images_per_day`, `pending_tasks`, `max_pending`, `key_unusable`, `engine_unavailable` or "
        "`history_unavailable`."
    )
    reason: str = Field(description="The reason in words that may change.")
    retry_seconds: float = Field(description="Seconds between two tries.")


class BatchFailure(BaseModel):
    """One failed row."""

    row: int = Field(description="The number of the row, from 1.")
    custom_id: str = Field(description="The id of the row; its number by default.")
    task_id: str | None = Field(description="The task; null for a row that was never queued.")
    error: TaskErrorModel | None = Field(description="The error of the task, or the errors of the row.")


class BatchWebhook(BaseModel):
    """The message about the end of the batch."""

    url: str = Field(description="The receiver; empty for the one of the launch flag.")
    status: str = Field(description="`none`, `waiting` (for the end), `pending`, `delivered` or `failed`.")
    attempts: int = Field(description="The number of attempts so far.")
    next_attempt_mills: int = Field(description="The time of the next attempt in milliseconds since 1970, -1 for none.")
    last_status: int | None = Field(description="The HTTP status of the last response; null without a response.")
    last_error: str | None = Field(description="The error of the last attempt, if it failed for another reason.")


class BatchResponse(BaseModel):
    """One batch. Times are milliseconds since 1970, -1 while unknown."""

    batch_id: str = Field(description="32 hexadecimal digits.")
    status: str = Field(
        description="`running`; `paused`: it waits for a quota or for disk space, and continues by itself; `stopped`: by a "
        "request; `ended`: each row has ended."
    )
    source: str = Field(description="The name of the key that sent the batch, or `api`.")
    created_mills: int = Field(description="The time of the request.")
    ended_mills: int = Field(description="The time of the last row's end.")
    counts: BatchCounts = Field(description="The numbers of the rows.")
    eta_seconds: float | None = Field(
        description="Seconds until the end if no other task comes first; null if unknown."
    )
    pause: BatchPause | None = Field(default=None, description="Only of a paused batch.")
    failures: list[BatchFailure] | None = Field(default=None, description="The first 100 failed rows; not in lists.")
    results_url: str = Field(description="The URL of the results.")
    archive_url: str = Field(description="The URL of the archive of images.")
    webhook: BatchWebhook = Field(description="The message about the end.")


class BatchList(BaseModel):
    """One page of batches, the newest first."""

    batches: list[BatchResponse] = Field(description="The batches, without their failures.")
    total: int = Field(description="The number of all batches that match.")


class BatchResult(BaseModel):
    """One row that has ended: a line of the results, and the data of an event `row`."""

    row: int = Field(description="The number of the row, from 1.")
    custom_id: str = Field(description="The id of the row; its number by default.")
    status: str = Field(description="`succeeded`, `failed` or `cancelled`.")
    task_id: str | None = Field(description="The task; null for a row that was never queued.")
    images: list[ImageModel] = Field(description="The images, empty if the task's record was deleted.")
    error: TaskErrorModel | None = Field(description="The error of a failed row.")


def batch_record(view: BatchView, urls: PublicUrls) -> dict[str, Any]:
    """Return a batch in the form of `BatchResponse`."""
    batch, counts, message = view.batch, view.counts, view.batch.message
    record: dict[str, Any] = {
        "batch_id": batch.batch_id,
        "status": "paused" if view.pause is not None else batch.state,
        "source": batch.source,
        "created_mills": batch.created_at,
        "ended_mills": batch.ended_at,
        "counts": {
            "total": batch.total,
            "waiting": counts.waiting,
            "queued": max(counts.queued - view.running, 0),
            "running": view.running,
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
        },
        "eta_seconds": view.eta_seconds,
        "results_url": f"{urls.base}{path_of(batch)}/results",
        "archive_url": f"{urls.base}{path_of(batch)}/archive.zip",
        "webhook": {
            "url": without_userinfo(message.url),
            "status": message.state,
            "attempts": message.tries,
            "next_attempt_mills": message.due_at,
            "last_status": message.last.status if message.last else None,
            "last_error": message.last.error if message.last else None,
        },
    }
    if view.pause is not None:
        pause = view.pause
        record["pause"] = {"code": pause.code, "reason": pause.reason, "retry_seconds": pause.retry_s}
    if view.failures is not None:
        record["failures"] = [failure_of(row) for row in view.failures]
    return record


def failure_of(row: Row) -> dict[str, Any]:
    """Return a failed row in the form of `BatchFailure`."""
    error = error_members(row.error) if row.error else None
    return {"row": row.number, "custom_id": row.custom_id, "task_id": row.task_id, "error": error}


def result_of(row: Row, task: Task | None, urls: PublicUrls) -> dict[str, Any]:
    """Return an ended row in the form of `BatchResult`. `task` is None if its record was deleted."""
    return {
        "row": row.number,
        "custom_id": row.custom_id,
        "status": row.state,
        "task_id": row.task_id,
        "images": [image_entry(image, urls, task) for image in task.images] if task is not None else [],
        "error": error_members(row.error) if row.error else None,
    }


def path_of(batch: Batch) -> str:
    """Return the path of a batch's record."""
    return f"/v1/batches/{batch.batch_id}"
