"""Streams of a request: previews while the images are generated, then each image."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode
from ....asgi.problem import problem_body
from ....images.preview import Encoding, PreviewImage
from ....tasks.model.task import Image, Task, TaskStatus
from ....tasks.ports.engine import ShuttingDown
from ....tasks.service import DatabaseUnavailable, UnknownTask
from ....tasks.streaming.updates import KeepAlive, Update
from ...context import Context
from ...images.large_answers import AnswerMemory
from ...responses.problems import Problem
from ...responses.sse import PING, message
from ...results.ended import failure_members
from ...security.event_streams import StreamAccess
from ..answers import contents
from .answers import USAGE, Wanted, as_base64, quality_of, with_images
from .errors import error_body

GENERATION, EDIT = "image_generation", "image_edit"
"""Beginnings of the names of a stream's events."""


class StreamEvent(BaseModel):
    """The data of an event: a preview, or an image with `usage`."""

    type: str = Field(
        description="The name of the event, as `image_generation.partial_image`, `image_edit.completed`, …"
    )
    b64_json: str = Field(description="The preview or the image as base64.")
    created_at: int = Field(description="Seconds since 1970.")
    background: str
    output_format: str = Field(description="png, jpeg or webp.")
    quality: str = Field(description="low, medium or high.")
    size: str = Field(description="Width and height of the image.")
    partial_image_index: int | None = Field(default=None, description="The number of a preview, from 0.")
    usage: dict[str, Any] | None = Field(default=None, description="The tokens that were used: none.")


class ImageStream:
    """The events of one task: at most `previews` previews, evenly over the steps, then its images."""

    def __init__(self, context: Context, task: Task, wanted: Wanted, kind: str, previews: int) -> None:
        self._context = context
        self._task = task
        self._wanted = wanted
        self._kind = kind
        self._previews = previews
        self._format: Any = str(task.parameters.get("output_format") or "png").lower()

    async def events(self, access: StreamAccess) -> AsyncGenerator[bytes, None]:
        """Yield the previews, then each image; or an event `error` with the reason why there are none."""
        try:
            async with aclosing(self._events(access)) as events:  # unsubscribes as soon as the stream ends
                async for event in events:
                    yield event
        except Problem as problem:
            yield self._error(problem)
        except UnknownTask as error:
            yield self._error(Problem(ErrorCode.TASK_NOT_FOUND, f"task {error} does not exist"))
        except DatabaseUnavailable as error:
            yield self._error(Problem(ErrorCode.DATABASE_UNAVAILABLE, str(error)))

    async def _events(self, access: StreamAccess) -> AsyncGenerator[bytes, None]:
        services, task = self._context.services, self._task
        encoding = Encoding(self._format) if self._previews else None
        with services.events.subscribe(task.task_id, encoding=encoding) as subscription:
            access.watch(subscription)
            yield PING  # sends the headers, so that clients know that the request was accepted
            task = await services.tasks.get(task.task_id)
            shown = 0
            if not task.status.is_terminal:
                async for update in subscription:
                    if isinstance(update, KeepAlive):
                        yield PING
                    elif isinstance(update, Update):
                        task = update.task
                        if update.is_terminal:
                            break
                        if update.preview is not None and self._is_due(shown, task):
                            yield await asyncio.to_thread(self._partial, update.preview, shown)
                            shown += 1
        self._check(task)
        for image in task.images:
            memory = AnswerMemory()
            try:
                yield await self._completed(task, image, memory)
            finally:
                memory.close()

    def _is_due(self, shown: int, task: Task) -> bool:
        return shown < self._previews and task.progress * (self._previews + 1) >= 100 * (shown + 1)

    def _error(self, problem: Problem) -> bytes:
        """Return the event with the reason, and the task's id: it exists, or existed, and need not be generated again."""
        body = error_body(problem_body(problem.code, problem.detail, **problem.extra))
        body["error"]["task_id"] = self._task.task_id
        return message(body, "error")

    def _check(self, task: Task) -> None:
        """Raise the problem of a task without images, or of one that has not ended as Fooocus shuts down."""
        if task.status in (TaskStatus.FAILED, TaskStatus.INTERRUPTED):
            raise Problem(ErrorCode.GENERATION_FAILED, **failure_members(task))
        if not task.status.is_terminal:
            raise Problem(ErrorCode.SHUTTING_DOWN, str(ShuttingDown(task.task_id)), task_id=task.task_id)
        with_images(task, {})

    async def _completed(self, task: Task, image: Image, memory: AnswerMemory) -> bytes:
        one, wanted = replace(task, images=[image]), self._wanted
        (content,) = await contents(self._context, one, wanted.size, quality=wanted.quality, memory=memory)
        return await asyncio.to_thread(self._image_event, one, content)

    def _image_event(self, task: Task, content: bytes) -> bytes:
        image = task.images[0]
        members = {"usage": USAGE, "seed": image.seed, "task_id": task.task_id}
        return self._event("completed", as_base64(content), image.format or self._format, task, members)

    def _partial(self, preview: PreviewImage, number: int) -> bytes:
        picture = preview.base64(Encoding(self._format))
        return self._event("partial_image", picture, self._format, self._task, {"partial_image_index": number})

    def _event(self, name: str, picture: str, image_format: str, task: Task, members: dict[str, Any]) -> bytes:
        kind = f"{self._kind}.{name}"
        data: dict[str, Any] = {
            "type": kind,
            "b64_json": picture,
            "created_at": int(time.time()),
            "background": "opaque",
            "output_format": image_format,
            "quality": quality_of(task),
            "size": self._size(task),
            **members,
        }
        if self._wanted.safety_identifier:
            data["safety_identifier"] = self._wanted.safety_identifier
        return message(data, kind)

    def _size(self, task: Task) -> str:
        return self._wanted.size_of(task.images)
