"""Schemas of the event streams, and the conversion of an update into a server-sent event."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...images.preview import Encoding
from ...tasks.streaming.updates import Dropped, Update
from ..responses.public_urls import PublicUrls
from ..responses.sse import message
from .own_data import own_data
from .stage import StageMembers, stage_members
from .task import IgnoredField, ImageModel, TaskErrorModel, error_members, image_entry

EVENTS = """| Event | Sent when | Data, in addition to `task_id`, `task_status`, `source` |
|---|---|---|
| `queued` | the task is pending; on the task's own stream also on a change of queue position | `queue_position`, `eta_seconds` |
| `started` | the worker starts the task | `eta_seconds`, the stage, and in a cluster `node`, as in the events after it |
| `progress` | the worker completes a step | `progress`, `message`, `eta_seconds`, the stage, and `preview` if requested |
| `image` | an image is saved | `image` |
| `finished`, `failed`, `stopped`, `interrupted` | the task has ended | `progress`, `result`, `images`, `error` |
| `dropped` | the subscriber missed events | only `dropped` |

The stage is `phase`, `step`, `steps`, `image_number`, `image_count`, `started_at`. Each event has the request's `tags` and
`client_data`, if given, and an `id`. A client that reconnects with it as `Last-Event-ID` receives the events it missed, without
previews. A slow subscriber receives only the newest progress. Comments keep an idle connection open."""


class TaskEvent(StageMembers):
    """The data of every event except `dropped`."""

    task_id: str = Field(description="32 hexadecimal digits.")
    task_status: Literal["pending", "running", "finished", "failed", "stopped", "interrupted"] = Field(
        description="The status, as in the record."
    )
    source: str = Field(description="The origin of the task, as in the record.")
    tags: list[str] | None = Field(default=None, description="The tags of the request, if any.")
    client_data: dict[str, Any] | None = Field(default=None, description="The client_data of the request, if any.")
    queue_position: int | None = Field(
        default=None, description="Only of a pending task: the number of tasks before it."
    )
    eta_seconds: float | None = Field(default=None, description="Seconds until the task ends, if known.")
    progress: float | None = Field(default=None, description="0 to 100.")
    message: str | None = Field(default=None, description="Fooocus's description of its current step.")
    preview: str | None = Field(default=None, description="The newest preview as a data URI.")
    image: ImageModel | None = Field(default=None, description="The saved image.")
    node: str | None = Field(default=None, description="Only in a cluster: the node that generates the task.")
    result: list[str] | None = Field(default=None, description="URLs of the images, once the task has ended.")
    images: list[ImageModel] | None = Field(default=None, description="The images, once the task has ended.")
    error: TaskErrorModel | None = Field(default=None, description="The error of a failed task.")


class DroppedEvent(BaseModel):
    """The data of `dropped`."""

    dropped: int | None = Field(description="The number of missed events, null if unknown: read the records.")


class StreamMessage(StageMembers):
    """The data of each event in the response to a generate request; that of `error` also has the problem's members."""

    model_config = ConfigDict(extra="allow")

    progress: float = Field(description="0 to 100.")
    preview: str | None = Field(description="The newest preview as a data URI.")
    message: str = Field(description="Fooocus's current step; in the last message the task's status.")
    images: list[str] = Field(description="URLs of the images, once the task has ended.")
    base64: list[str | None] | None = Field(default=None, description="The files, if the request set `require_base64`.")
    queue_position: int | None = Field(
        default=None, description="Only of a pending task: the number of tasks before it."
    )
    eta_seconds: float | None = Field(default=None, description="Seconds until the task ends, if known.")
    error: TaskErrorModel | None = Field(default=None, description="The error of a failed task.")
    tags: list[str] | None = Field(default=None, description="The tags of the request, if any.")
    client_data: dict[str, Any] | None = Field(default=None, description="The client_data of the request, if any.")
    ignored_fields: list[IgnoredField] | None = Field(
        default=None, description="Only in the last message: the ignored fields of the request, if any."
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
    data |= own_data(task)
    if task.node is not None and update.kind != "queued":
        data["node"] = task.node
    if update.kind in ("queued", "started", "progress"):
        data["eta_seconds"] = update.outlook.eta_seconds
        data |= stage_members(task)
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
        data["error"] = error_members(task.error) if task.error else None
    return data
