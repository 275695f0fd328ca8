"""Schemas of the event streams, and the conversion of an update into a server-sent event."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...images.preview import Encoding
from ...tasks.streaming.updates import Dropped, Update
from ..responses.public_urls import PublicUrls
from ..responses.sse import message
from .task import IgnoredField, ImageModel, TaskErrorModel, image_entry

EVENTS = """| event | when | beside `task_id`, `task_status`, `source` |
|---|---|---|
| `queued` | it waits; on its own stream also when its place in the queue has changed | `queue_position`, `eta_seconds` |
| `started` | the worker has taken it | `eta_seconds` |
| `progress` | a step is made | `progress`, `message`, `eta_seconds`, `preview` if there is one and it is wanted |
| `image` | an image is written | `image` |
| `finished`, `failed`, `stopped`, `interrupted` | it has ended | `progress`, `result`, `images`, `error` |
| `dropped` | the reader missed something | `dropped` alone |

Each has an `id`; a client that comes back with it as `Last-Event-ID` gets what it missed, without previews. Of progress a slow
reader gets the newest only. Comments come while nothing happens."""


class TaskEvent(BaseModel):
    """The data of every event except `dropped`."""

    task_id: str = Field(description="32 hexadecimal digits.")
    task_status: Literal["pending", "running", "finished", "failed", "stopped", "interrupted"] = Field(
        description="As the record says it."
    )
    source: str = Field(description="Where the task came from.")
    queue_position: int | None = Field(default=None, description="While it waits: how many are drawn before it.")
    eta_seconds: float | None = Field(default=None, description="Until it is done, where that is known.")
    progress: float | None = Field(default=None, description="0 to 100.")
    message: str | None = Field(default=None, description="What Fooocus says it is doing.")
    preview: str | None = Field(default=None, description="Data URI.")
    image: ImageModel | None = Field(default=None, description="The one that was written.")
    result: list[str] | None = Field(default=None, description="URLs of the images.")
    images: list[ImageModel] | None = Field(default=None, description="All of them, once it has ended.")
    error: TaskErrorModel | None = Field(default=None, description="Why it failed, if it did.")


class DroppedEvent(BaseModel):
    """The data of `dropped`."""

    dropped: int | None = Field(description="How many events, null when nobody knows: look at the records.")


class StreamMessage(BaseModel):
    """The data of each event in the response to a generate request; that of `error` also has the problem's members."""

    model_config = ConfigDict(extra="allow")

    progress: float = Field(description="0 to 100.")
    preview: str | None = Field(description="Data URI.")
    message: str = Field(description="What Fooocus is doing; at last the task's status.")
    images: list[str] = Field(description="URLs, once it has ended.")
    base64: list[str | None] | None = Field(
        default=None, description="The files, where `require_base64` asked for them."
    )
    queue_position: int | None = Field(default=None, description="While it waits: how many are drawn before it.")
    eta_seconds: float | None = Field(default=None, description="Until it is done, where that is known.")
    error: TaskErrorModel | None = Field(default=None, description="Why it failed, if it did.")
    ignored_fields: list[IgnoredField] | None = Field(
        default=None, description="In the last one: what of the request is ignored, where something is."
    )


def event_of(update: Update, event_id: str, urls: PublicUrls, encoding: Encoding | None) -> bytes:
    """Return an update as an event, encoded once for all subscribers with the same base URL and preview encoding."""
    return update.cached((urls.base, encoding), lambda: message(_data(update, urls, encoding), update.kind, event_id))


def dropped_event(dropped: Dropped, event_id: str) -> bytes:
    """Return the event that replaces lost updates."""
    return message({"dropped": dropped.count}, "dropped", event_id)


def _data(update: Update, urls: PublicUrls, encoding: Encoding | None) -> dict[str, Any]:
    task = update.task
    data: dict[str, Any] = {"task_id": task.task_id, "task_status": task.status.value, "source": task.source}
    if update.kind in ("queued", "started", "progress"):
        data["eta_seconds"] = update.outlook.eta_seconds
    if update.kind == "queued":
        data["queue_position"] = update.outlook.queue_position
    if update.kind == "progress" or update.is_terminal:
        data["progress"] = task.progress
    if update.kind == "progress":
        data["message"] = task.title
        if update.preview is not None and encoding is not None:
            data["preview"] = update.preview.data_uri(encoding)
    if update.image is not None:
        data["image"] = image_entry(update.image, urls, task)
    if update.is_terminal:
        data["images"] = [image_entry(image, urls, task) for image in task.images]
        data["result"] = [image["url"] for image in data["images"]]
        data["error"] = {"type": task.error.type, "message": task.error.message} if task.error else None
    return data
