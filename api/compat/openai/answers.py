"""Responses with images: as URLs or as base64, never both, as clients look for the one and then use the other."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode
from ....tasks.model.task import Image, Task
from ...context import Context
from ...images.large_answers import AnswerMemory
from ...responses.problems import Problem
from ...results.ended import ended
from ..answers import contents, urls
from .bodies import ImagesBody, StreamedBody
from .fields import QUALITIES

USAGE = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
}
"""Tokens, of which Fooocus uses none. Clients add them up, so that they are numbers."""
SAFE_IN_HEADER = " !#$&'()*+,/:;=?@[]~"


class ImageEntry(BaseModel):
    """An image, with either `url` or `b64_json`."""

    url: str | None = Field(default=None, description="The URL of the image, signed if keys are required.")
    b64_json: str | None = Field(default=None, description="The file as base64.")
    seed: int | None = Field(description="The seed of the image.")
    task_id: str = Field(description="The id of the task that generated it.")


class Usage(BaseModel):
    """Tokens that were used: none."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: dict[str, int]


class ImagesResponse(BaseModel):
    """The images of a request."""

    created: int = Field(description="The time of the end in seconds since 1970.")
    data: list[ImageEntry]
    background: Literal["opaque"]
    output_format: str | None = Field(description="png, jpeg or webp.")
    quality: Literal["low", "medium", "high"]
    size: str = Field(description="Width and height in pixels, as in `1024x1024`.")
    usage: Usage
    safety_identifier: str | None = Field(default=None, description="The one of the request, or its `user`.")


@dataclass(frozen=True)
class Wanted:
    """The form of a response: `size` of the images, None for their own, and the `quality` of base64 in percent."""

    size: tuple[int, int] | None
    is_base64: bool
    quality: int | None = None
    safety_identifier: str | None = None

    @classmethod
    def of(cls, body: ImagesBody, size: tuple[int, int] | None) -> Wanted:
        """Return the form that a body asks for."""
        quality = body.output_compression if isinstance(body, StreamedBody) else None
        quality = max(quality, 1) if quality is not None else None
        return cls(size, body.is_base64, quality, body.safety_identifier or body.user)

    def size_of(self, images: Sequence[Image]) -> str:
        """Return the size of the images in a response, in the notation of requests."""
        if self.size is not None:
            return f"{self.size[0]}x{self.size[1]}"
        return next((f"{image.width}x{image.height}" for image in images if image.width and image.height), "auto")


def headers_of(task: Task) -> dict[str, str]:
    """Return the headers of a response about a task."""
    return {"X-Task-Id": task.task_id, "X-Fooocus-Model": _header(str(task.parameters.get("base_model_name", "")))}


def _header(text: str) -> str:
    return quote(text, safe=SAFE_IN_HEADER).strip()  # uvicorn drops a response with a space at the end of a header


def quality_of(task: Task) -> str:
    """Return OpenAI's quality for a task's performance."""
    return QUALITIES.get(str(task.parameters.get("performance_selection")), "low")


def with_images(task: Task, headers: dict[str, str]) -> Task:
    """Return an ended task.

    Raises:
        Problem: 409, it was stopped before it had an image.
    """
    if not task.images:
        detail = "task was stopped before it had an image"
        raise Problem(ErrorCode.TASK_STOPPED, detail, headers=headers, task_id=task.task_id)
    return task


async def images_response(context: Context, request: Request, task: Task, wanted: Wanted) -> Response:
    """Return the response with a task's images, once it has ended.

    Raises:
        Problem: the task has no images, or they can't be read.
    """
    headers = headers_of(task)
    task = with_images(await ended(context.services, task, headers), headers)
    if not wanted.is_base64:
        return _rendered(task, wanted, headers, "url", urls(context, request, task, wanted.size))
    memory = AnswerMemory()
    try:
        files = await contents(context, task, wanted.size, quality=wanted.quality, memory=memory)
    except Problem as problem:  # with the task's id, so that the client does not have it generated again
        extra = {**problem.extra, "task_id": task.task_id}
        raise Problem(
            problem.code, problem.detail, headers={**headers, **(problem.headers or {})}, **extra
        ) from problem
    return memory.held_by(await asyncio.to_thread(_rendered, task, wanted, headers, "b64_json", files))


def _rendered(task: Task, wanted: Wanted, headers: dict[str, str], key: str, images: Sequence[bytes | str]) -> Response:
    entries = [
        {key: as_base64(image) if isinstance(image, bytes) else image, "seed": one.seed, "task_id": task.task_id}
        for one, image in zip(task.images, images, strict=True)
    ]
    body: dict[str, Any] = {
        "created": task.finished_at // 1000,
        "data": entries,
        "background": "opaque",
        "output_format": task.images[0].format,
        "quality": quality_of(task),
        "size": wanted.size_of(task.images),
        "usage": USAGE,
    }
    if wanted.safety_identifier:
        body["safety_identifier"] = wanted.safety_identifier
    return JSONResponse(body, headers=headers)


def as_base64(content: bytes) -> str:
    """Return a file as base64 text."""
    return base64.b64encode(content).decode("ascii")
