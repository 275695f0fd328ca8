"""Results of tools: text, images that fit into a conversation, and errors that a model can act on."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .....images.codecs.decoding import NotAnImage
from .....images.codecs.fitting import fitted
from .....images.storage.input_store import StorageUnavailable
from .....tasks.model.task import Image, Task, TaskStatus
from .....tasks.ports.engine import EngineUnavailable, ParameterError
from .....tasks.queue.submission import IdempotencyConflict
from .....tasks.service import DatabaseUnavailable, LimitReached, UnknownTask, WrongStatus
from ....executors import CONVERSION_EXECUTOR, run_in
from ....responses.problems import FieldError, InvalidFields, Problem
from ...answers import contents, size_of, urls
from ..protocol.calls import Call

Block = dict[str, Any]
"""A part of a result's content."""
ROOM_BYTES = 700_000
"""Bytes of all images of a result, in base64 less than the 1,048,576 characters above which Claude Desktop refuses a result."""
MAX_SHOWN = 4
"""Images of a result; the text has the URLs of all."""
MAX_ALLOWED = 20
"""Allowed values that an error names."""
REFUSALS = (
    Problem,
    LimitReached,
    IdempotencyConflict,
    DatabaseUnavailable,
    StorageUnavailable,
    EngineUnavailable,
    ParameterError,
    UnknownTask,
    WrongStatus,
)
"""Exceptions whose message is the reason why a call has no result."""


def text_result(text: str, *, is_error: bool = False) -> dict[str, Any]:
    """Return a result of one text."""
    return {"content": [text_block(text)], "isError": is_error}


def text_block(text: str) -> Block:
    """Return a text as a part of a result."""
    return {"type": "text", "text": text}


def refusal_result(error: Exception, names: Mapping[str, str]) -> dict[str, Any]:
    """Return one of the REFUSALS as a result.

    Args:
        names: field of a generate request → the argument that it is made from.
    """
    if isinstance(error, InvalidFields):
        return text_result("\n".join(_sentence(one, names) for one in error.errors), is_error=True)
    if isinstance(error, UnknownTask):
        return text_result(f"task {error} does not exist", is_error=True)
    if isinstance(error, Problem) and (task_id := error.extra.get("task_id")):
        return text_result(f"{error.detail} (task {task_id})", is_error=True)
    return text_result(str(error), is_error=True)


def _sentence(error: FieldError, names: Mapping[str, str]) -> str:
    field, bracket, rest = error.field.partition("[")
    text = f"{names.get(field, field)}{bracket}{rest}: {error.message}"
    if not error.allowed:
        return text
    return f"{text}; allowed: {', '.join(map(str, error.allowed[:MAX_ALLOWED]))}"


async def task_result(call: Call, task: Task, *, may_refuse: bool = False) -> dict[str, Any]:
    """Return an ended task as a result: its images, reduced to fit, links to them, and a text with URLs, seeds and sizes.

    Args:
        may_refuse: whether it is refused while many images are being reduced.
    """
    if not task.images:
        return text_result(f"{_ended_as(task)}\nTask: {task.task_id}", is_error=task.status is not TaskStatus.FINISHED)
    size = size_of(task)
    links = urls(call.context, call.request, task, size)
    shown = task.images[:MAX_SHOWN]
    blocks: list[Block] = []
    for image in shown:  # one file at a time in memory
        (content,) = await contents(call.context, replace(task, images=[image]), size, may_refuse=may_refuse)
        blocks.append(await run_in(CONVERSION_EXECUTOR, _image_block, content, ROOM_BYTES // len(shown)))
    if call.era.knows_links:
        blocks += [_link_block(image, link) for image, link in zip(task.images, links, strict=False)]
    return {"content": [*blocks, text_block(_summary(task, links, size))], "isError": False}


def _image_block(content: bytes, max_bytes: int) -> Block:
    try:
        reduced, media_type = fitted(content, max_bytes)
    except NotAnImage as error:
        return text_block(f"An image can't be shown: it is {error}.")
    return {"type": "image", "data": base64.b64encode(reduced).decode("ascii"), "mimeType": media_type}


def _link_block(image: Image, link: str) -> Block:
    name = image.path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower()
    media_type = f"image/{'jpeg' if suffix == 'jpg' else suffix}"
    return {"type": "resource_link", "uri": link, "name": name, "mimeType": media_type}


def _summary(task: Task, links: Sequence[str], size: tuple[int, int] | None) -> str:
    lines = [] if task.status is TaskStatus.FINISHED else [_ended_as(task)]
    for number, (image, link) in enumerate(zip(task.images, links, strict=False), 1):
        width, height = size or (image.width, image.height)
        details = [f"{width}x{height}"] if width and height else []
        if image.seed is not None:
            details.append(f"seed {image.seed}")
        lines.append(f"Image {number}: {link} ({', '.join(details)})" if details else f"Image {number}: {link}")
    lines.append("The URLs lead to the files in full quality; images shown here may be reduced.")
    lines.append(f"Model: {task.parameters.get('base_model_name', 'unknown')}")
    lines.append(f"Task: {task.task_id}")
    return "\n".join(lines)


def _ended_as(task: Task) -> str:
    if task.error is not None:
        return f"Fooocus failed: {task.error.type}: {task.error.message}"
    if task.status is TaskStatus.STOPPED:
        return "The task was stopped before it was finished."
    return f"The task is {task.status.value}, without an image."
