"""Images of an ended task as surfaces answer with them: in the size asked for, as files or as URLs."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path, PurePosixPath

from fastapi import Request

from ...tasks.model.task import Image, Task
from ..context import Context
from ..images.large_answers import AnswerMemory
from ..images.output_files import find_output
from ..responses.renditions import view_content
from .sizes import Size
from .submission import SIZE_NOTE


def size_of(task: Task) -> Size | None:
    """Return the width and height that the task's client asked for, None for those of the generated images."""
    asked = task.notes.get(SIZE_NOTE)
    return (int(asked[0]), int(asked[1])) if asked else None


async def contents(
    context: Context,
    task: Task,
    size: Size | None,
    image_format: str | None = None,
    quality: int | None = None,
    *,
    may_refuse: bool = False,
    memory: AnswerMemory | None = None,
) -> list[bytes]:
    """Return the files of a task's images, with their metadata.

    Args:
        size: width and height, None for those of each image.
        image_format: `PNG`, `JPEG` or `WEBP`; None for the file's own.
        quality: 1 to 100, for JPEG and WebP.
        may_refuse: whether an image in another size is refused while many others wait.
        memory: holds the files until the answer with them is sent.

    Raises:
        Problem: 404, an image was deleted; 503, one can't be read now, or is refused.
    """
    view = partial(view_content, size=size, image_format=image_format, quality=quality, may_refuse=may_refuse)
    files: list[bytes] = []
    for image in task.images:
        content = await view(context.renditions, await _found(context, image))
        files.append(content if memory is None else memory.hold(content, task.task_id))
    return files


async def _found(context: Context, image: Image) -> tuple[Path, str]:
    return await asyncio.to_thread(find_output, context, PurePosixPath(image.path)), image.path


def urls(context: Context, request: Request, task: Task, size: Size | None) -> list[str]:
    """Return the URLs of a task's images in a size, signed if a key is needed. None for the size of each image."""
    public = context.urls(request)
    return [public.output(image.path, None if size == (image.width, image.height) else size) for image in task.images]
