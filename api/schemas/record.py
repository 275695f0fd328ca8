"""A task's record on the wire, as FooocusAPI's clients know it, and the fields we add."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from ...tasks.preview import PreviewImage
from ...tasks.task import Task
from ..urls import PublicUrls


class TaskErrorModel(BaseModel):
    """Why a task failed, in the host's words."""

    type: str = Field(description="Type of the exception.")
    message: str


class ImageModel(BaseModel):
    """One image that came out."""

    url: str
    metadata: dict[str, Any] = Field(description="What Fooocus logged with the image: seed, resolution, styles, …")


class RecordResponse(BaseModel):
    """One task. Times are milliseconds since 1970, -1 while unknown."""

    id: int = Field(description="Row in the database.")
    task_id: str = Field(description="32 hexadecimal digits.")
    req_params: dict[str, Any] = Field(description="The request, with every field.")
    in_queue_mills: int
    start_mills: int
    finish_mills: int
    task_status: str = Field(description="pending, running, finished, failed, stopped or interrupted.")
    progress: float = Field(description="0 to 100.")
    preview: str | None = Field(default=None, description="Newest preview of a running task, base64 of a PNG.")
    webhook_url: str
    result: list[str] = Field(description="URLs of the images.")
    images: list[ImageModel] = Field(description="The images with what is known of each, in the order of `result`.")
    source: str = Field(description="Where the task came from: api or webui.")
    error: TaskErrorModel | None = Field(default=None, description="Only on failed and interrupted tasks.")
    attempts: int = Field(description="How many times the worker has taken it.")


def record_of(task: Task, urls: PublicUrls, preview: PreviewImage | None = None) -> dict[str, Any]:
    """The record as JSON values. With a preview it encodes a picture, so call it off the event loop then."""
    images = [{"url": urls.output(image.path), "metadata": image.metadata} for image in task.images]
    record: dict[str, Any] = {
        "id": task.id,
        "task_id": task.task_id,
        "req_params": task.parameters,
        "in_queue_mills": task.queued_at,
        "start_mills": task.started_at,
        "finish_mills": task.finished_at,
        "task_status": task.status.value,
        "progress": task.progress,
        "webhook_url": task.webhook_url,
        "result": [image["url"] for image in images],
        "images": images,
        "source": task.source,
        "attempts": task.attempts,
    }
    if preview is not None:
        record["preview"] = preview.base64()
    if task.error is not None:
        record["error"] = {"type": task.error.type, "message": task.error.message}
    return record
