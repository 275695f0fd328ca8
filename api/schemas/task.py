"""Schema of a task's record: FooocusAPI's fields and additional ones."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, Field

from ...images.preview import PreviewImage
from ...outbound.address_policy import without_userinfo
from ...tasks.model.outlook import NO_OUTLOOK, Outlook
from ...tasks.model.task import BATCH, BLACKED_OUT, Image, Task, TaskError
from ..responses.public_urls import PublicUrls
from .generate import IMAGE_FIELDS
from .own_data import OwnData, own_data
from .stage import StageMembers, stage_members

REPEATS = "repeats"
"""Key in a task's notes: the task that it repeats, in the form of `RepeatsModel`."""


class TaskErrorModel(BaseModel):
    """The error by which a task failed, in the host's words."""

    type: str = Field(description="The type of the exception.")
    message: str = Field(description="The message of the exception.")


class DifferenceModel(BaseModel):
    """A reason why a repetition may have other pixels."""

    code: str = Field(description="The kind of the reason; stable, unlike the sentence.")
    detail: str = Field(description="The reason in words.")


class RepeatsModel(BaseModel):
    """The task that a task repeats."""

    task_id: str = Field(description="The id of the repeated task.")
    image: int | None = Field(description="The position of the repeated image in its `images`; null for all.")
    exact: bool = Field(description="True if the same pixels were expected when this task was accepted.")
    differences: list[DifferenceModel] = Field(description="The reasons why they might differ.")


class BatchPlace(BaseModel):
    """The row of a batch that a task belongs to."""

    batch_id: str = Field(description="The id of the batch.")
    row: int = Field(description="The number of the row, from 1.")
    custom_id: str = Field(description="The id of the row; its number by default.")


class ImageModel(BaseModel):
    """One generated image."""

    url: str = Field(description="The URL of the file; signed if API keys are required.")
    seed: int | None = Field(
        description="Null for images that are not generated, such as a grid. A seed from a request or the WebUI may have 19 "
        "digits, more than a number in JavaScript holds: use `seed_text` there."
    )
    seed_text: str | None = Field(description="The digits of `seed`, which `image_seed` accepts, too.")
    width: int | None = Field(description="Width in pixels.")
    height: int | None = Field(description="Height in pixels.")
    format: str | None = Field(description="png, jpeg or webp.")
    kept: bool = Field(
        description="False if Fooocus runs with --disable-image-log: the file may be deleted after an hour, so fetch it soon."
    )
    blacked_out: bool = Field(
        description="True if `black_out_nsfw` is on and Fooocus's checker replaced the image by a black one."
    )
    metadata: dict[str, Any] = Field(
        description="The parameters that Fooocus logged with the image: prompt, resolution, styles, …"
    )
    base64: str | None = Field(
        default=None,
        description="The file, if the request set `require_base64`: in the answer of the request, `GET /tasks/{task_id}` "
        "and webhooks. Null if it can't be read now.",
    )
    repeat: dict[str, Any] | None = Field(
        default=None,
        description="A body for `POST /v1/engine/generate` that generates the image again; all images of a task whose "
        "images can't be generated alone. Only in `GET /tasks/{task_id}`, once the task has ended.",
    )
    exact: bool | None = Field(default=None, description="True if `repeat` gives the same pixels. Comes with `repeat`.")
    differences: list[DifferenceModel] | None = Field(
        default=None, description="The reasons why `repeat` may give other pixels, if it is not `exact`."
    )


class IgnoredField(BaseModel):
    """An ignored field of the request: its name is unknown, or it has no effect in combination with others."""

    path: str = Field(description="The path of the field, as in `loras[0].strength`.")
    use: str | None = Field(description="The field that this API has for it in that place, if any.")


class RecordResponse(StageMembers):
    """One task. Times are milliseconds since 1970, -1 while unknown."""

    id: int = Field(description="The number of the row in the database.")
    task_id: str = Field(description="32 hexadecimal digits.")
    req_params: dict[str, Any] = Field(description="The request with all fields.")
    in_queue_mills: int = Field(description="The time of acceptance.")
    start_mills: int = Field(description="The time at which the worker started it.")
    finish_mills: int = Field(description="The time of its end.")
    task_status: str = Field(description="pending, running, finished, failed, stopped or interrupted.")
    progress: float = Field(description="0 to 100.")
    repeats: RepeatsModel | None = Field(
        default=None, description="The task that this one repeats. Absent if it repeats none."
    )
    batch: BatchPlace | None = Field(
        default=None, description="The row of a batch that the task belongs to. Absent if it belongs to none."
    )
    preview: str | None = Field(
        default=None,
        description="The newest preview, base64 of a PNG; empty before the first one. Absent once the task has ended.",
    )
    webhook_url: str = Field(description="The webhook_url of the request.")
    result: list[str] = Field(description="URLs of the images.")
    images: list[ImageModel] = Field(description="The images with their properties, in the order of `result`.")
    source: str = Field(description="The origin of the task: webui, api, the name of a key, or imported.")
    queue_position: int | None = Field(
        default=None, description="Only of a pending task: the number of tasks before it."
    )
    eta_seconds: float | None = Field(
        default=None,
        description="Only of a pending or running task: estimated seconds until it ends, if this machine's speed is known.",
    )
    tags: list[str] = Field(default=[], description="The tags of the request.")
    client_data: dict[str, Any] = Field(default={}, description="The client_data of the request.")
    error: TaskErrorModel | None = Field(default=None, description="Only on failed and interrupted tasks.")
    attempts: int = Field(description="The number of times the worker has started it.")
    node: str | None = Field(
        default=None, description="Only in a cluster: the node that generates the task or has generated it."
    )
    ignored_fields: list[IgnoredField] | None = Field(
        default=None, description="The ignored fields of the request, if any."
    )
    stopping: bool | None = Field(
        default=None, description="`true` in the response to a stop if the task has not reached its next step yet."
    )
    incomplete: list[str] | None = Field(
        default=None,
        description="Only of an incomplete record: one sentence for each part that could not be read or stored.",
    )


def record_of(
    task: Task,
    urls: PublicUrls,
    read: Callable[[str], bytes] | None,
    preview: PreviewImage | None = None,
    outlook: Outlook = NO_OUTLOOK,
) -> dict[str, Any]:
    """Return the record as JSON values. It may read files and encode a picture: off the event loop.

    Args:
        read: returns the content of the image at a path; may raise OSError. None for a record without files, as in a list.
    """
    images = [image_entry(image, urls, task) for image in task.images]
    incomplete = list(task.notes.get("incomplete") or ())
    if read is not None and task.parameters.get("require_base64"):
        for number, (image, entry) in enumerate(zip(task.images, images, strict=True)):
            reasons: list[str] = []
            entry["base64"] = base64_of(image, read, reasons.append)
            incomplete += [f"images[{number}].base64: {reason}" for reason in reasons]
    record: dict[str, Any] = {
        "id": task.id,
        "task_id": task.task_id,
        "req_params": with_image_urls(task.parameters, urls),
        "in_queue_mills": task.queued_at,
        "start_mills": task.started_at,
        "finish_mills": task.finished_at,
        "task_status": task.status.value,
        "progress": task.progress,
        "webhook_url": without_userinfo(task.webhook_url),
        "result": [image["url"] for image in images],
        "images": images,
        "source": task.source,
        "attempts": task.attempts,
        **OwnData().model_dump(),
        **own_data(task),
        **stage_members(task),
    }
    if task.node is not None:
        record["node"] = task.node
    if ignored := task.notes.get("ignored_fields"):
        record["ignored_fields"] = ignored
    if repeats := task.notes.get(REPEATS):
        record["repeats"] = repeats
    if place := task.notes.get(BATCH):
        record["batch"] = {name: place[name] for name in BatchPlace.model_fields}
    if not task.status.is_terminal:
        record["queue_position"] = outlook.queue_position
        record["eta_seconds"] = outlook.eta_seconds
    if not task.status.is_terminal:
        record["preview"] = preview.base64() if preview is not None else ""
    if task.error is not None:
        record["error"] = error_members(task.error)
    if incomplete:
        record["incomplete"] = incomplete
    return record


def error_members(error: TaskError) -> dict[str, str]:
    """Return an error of the host in the form of `TaskErrorModel`."""
    return {"type": error.type, "message": error.message}


def image_entry(image: Image, urls: PublicUrls, task: Task) -> dict[str, Any]:
    """Return the record's entry for one image of a task."""
    return {
        "url": urls.output(image.path),
        "seed": image.seed,
        "seed_text": None if image.seed is None else str(image.seed),
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "kept": image.kept,
        "blacked_out": image.path in task.notes.get(BLACKED_OUT, ()),
        "metadata": image.metadata,
    }


def base64_of(
    image: Image, read: Callable[[str], bytes], unreadable: Callable[[str], None] = lambda _: None
) -> str | None:
    """Return the file as base64, None if it was deleted or can't be read now. Off the event loop.

    Args:
        unreadable: receives the reason if the file exists but can't be read.
    """
    try:
        return base64.b64encode(read(image.path)).decode("ascii")
    except FileNotFoundError:
        return None
    except OSError as error:
        unreadable(f"file can't be read: {error.strerror or 'disk error'}; fetch it by its url later")
        return None


def with_image_urls(parameters: dict[str, Any], urls: PublicUrls) -> dict[str, Any]:
    """Return the request's parameters with each image's URL in place of its reference, and no credentials in `webhook_url`."""
    shown = {**parameters}
    if url := shown.get("webhook_url"):
        shown["webhook_url"] = without_userinfo(str(url))
    for field in IMAGE_FIELDS:
        if shown.get(field):
            shown[field] = urls.image(shown[field])
    if prompts := shown.get("controlnet_image"):
        shown["controlnet_image"] = [
            {**item, "cn_img": urls.image(item["cn_img"])} if item.get("cn_img") else item for item in prompts
        ]
    return shown
