"""`describe_image`: a description of an image by Fooocus's models, after the tasks before it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from typing import Any

from .....asgi.error_codes import ErrorCode
from .....auth.keys import Scope
from .....tasks.ports.tools import ToolFailed
from ....executors import INPUT_EXECUTOR, run_in
from ....images.tool_pictures import picture_of
from ....requests.memory_budget import IMAGE_BUDGET
from ....responses.problems import Problem
from ....results.tool_results import counted
from ....security.authorization import access_of
from ..protocol.calls import Call, Ending
from .generating import IMAGE
from .results import text_result
from .tool import Schema, Tool, text

DESCRIPTION = """Describes an image in words that can serve as a prompt: a caption of a photo, or tags of an anime image. \
Runs after the images that are being generated."""


def _properties(*_: Any) -> dict[str, Schema]:
    return {
        "image": text(IMAGE),
        "kind": text("`photo` for a caption, `anime` for tags. Default: photo.", ["photo", "anime"]),
    }


async def _describe(call: Call) -> dict[str, Any]:
    image, kind = call.arguments["image"], call.arguments.get("kind", "photo")
    tools = call.context.tools
    with IMAGE_BUDGET.reservation() as reservation:
        picture = await run_in(INPUT_EXECUTOR, picture_of, call.context, call.request, image, reservation)
        del image  # this frame waits
        call.free()
        with counted(access_of(call.request)):
            future = tools.describe(picture, kind)
            await call.accepted(partial(_cancel, future))
            try:
                return text_result(await asyncio.wrap_future(future))
            except ToolFailed as failure:
                raise Problem(
                    ErrorCode.TOOL_FAILED, f"Fooocus failed: {failure}; Fooocus's console has the details"
                ) from failure


def _cancel(future: Future[str], _: Ending) -> None:
    """Drop the description: no later request can ask for it."""
    future.cancel()


DESCRIBE_IMAGE = Tool(
    "describe_image",
    "Describe an image",
    DESCRIPTION,
    _describe,
    scope=Scope.GENERATE,
    properties=_properties,
    required=("image",),
    waits=True,
)
