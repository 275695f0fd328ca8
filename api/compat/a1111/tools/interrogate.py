"""`interrogate`: describes an image in words."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from .....auth.keys import Scope
from .....tasks.ports.tools import DescribeKind
from ....context import ApiContext
from ....executors import INPUT_EXECUTOR, run_in
from ....images.tool_pictures import picture_of
from ....requests.memory_budget import IMAGE_BUDGET
from ....results.tool_results import tool_result
from ....security.authorization import require_scope
from ..generation.bodies import IMAGE
from ..generation.values import MAX_NAME_LENGTH, Text
from ..routing import A1111Route, Refused, refusals

router = APIRouter(tags=["images"], route_class=A1111Route)
KINDS: dict[str, DescribeKind] = {"clip": "photo", "deepdanbooru": "anime", "deepbooru": "anime"}
"""Model → the kind of Fooocus's description."""
MAX_SPACE = 2000
"""Characters of space before an image."""


class InterrogateBody(BaseModel):
    """An image to be described."""

    image: Text = Field(default="", description=IMAGE)
    model: Text = Field(default="clip", description="`clip` for a caption, `deepdanbooru` for tags.")


class InterrogateResponse(BaseModel):
    """The description of an image."""

    caption: str = Field(description="A caption or tags, usable as a prompt.")


@router.post(
    "/sdapi/v1/interrogate",
    summary="Describe an image",
    responses=refusals(404, 413, 500),
    dependencies=[require_scope(Scope.GENERATE)],
)
async def interrogate(
    context: ApiContext, request: Request, body: Annotated[InterrogateBody, Body()]
) -> InterrogateResponse:
    """Describe an image in words that can serve as a prompt, after the tasks queued before it."""
    kind = KINDS.get(body.model[:MAX_NAME_LENGTH].strip().casefold())
    if not body.image[:MAX_SPACE].strip():
        raise Refused(404, "Image not found")
    if kind is None:
        raise Refused(404, "Model not found")
    tools = context.tools
    with IMAGE_BUDGET.reservation() as reservation:
        picture = await run_in(INPUT_EXECUTOR, picture_of, context, request, body.image, reservation)
        return InterrogateResponse(caption=await tool_result(partial(tools.describe, picture, kind), request))
