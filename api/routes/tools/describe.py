"""`/v1/tools/describe-image`: describes an image in words."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....auth.keys import Scope
from ....tasks.ports.tools import DescribeKind, Picture
from ...context import ApiContext, Context
from ...executors import INPUT_EXECUTOR, run_in
from ...images.forms import bounded_form, content_of, image_form, sent_image
from ...images.tool_pictures import IMAGE, picture_of
from ...requests.json_body import JsonOrFormRoute, JsonRoute, free_body, is_form
from ...requests.memory_budget import BODY_BUDGET, IMAGE_BUDGET, Reservation
from ...requests.parameter_names import note_ignored, unknown_names
from ...responses.problems import invalid_field, responses
from ...results.tool_results import tool_result
from ...security.authorization import require_scope
from .bodies import json_of
from .nodes import NodeName, tools_at

DESCRIBE_KINDS: dict[str, DescribeKind] = {
    "Photo": "photo",
    "Anime": "anime",
    "Photograph": "photo",
    "Art/Anime": "anime",
}
"""Values of `image_type`: this API's names, then the WebUI's."""


class DescribeRequest(BaseModel):
    """An image to be described."""

    model_config = ConfigDict(extra="allow")

    image: str = Field(min_length=1, description=IMAGE)
    image_type: str | None = Field(
        default=None,
        description="`Photo` (default) returns a caption, `Anime` returns tags.",
        json_schema_extra={"enum": [*DESCRIBE_KINDS, None]},
    )


class DescribeResponse(BaseModel):
    """The description of an image."""

    describe: str = Field(description="A caption or tags, usable as a prompt.")


DESCRIBE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        **image_form(image_type={"type": "string", "enum": list(DESCRIBE_KINDS), "default": "Photo"}),
        "application/json": {"schema": DescribeRequest.model_json_schema()},
    },
}


router = APIRouter(tags=["tools"], route_class=JsonRoute)


async def describe_image(
    context: ApiContext,
    request: Request,
    image_type: Annotated[
        str | None,
        Query(
            description="The kind of image; may also be in the body.",
            json_schema_extra={"enum": list(DESCRIBE_KINDS)},
        ),
    ] = None,
    node: NodeName = None,
) -> DescribeResponse:
    """Describe an image in words that can serve as a prompt. Runs after the tasks queued before it."""
    tools = await tools_at(context, node)
    with IMAGE_BUDGET.reservation() as reservation:
        picture, kind = await _sent_picture(context, request, image_type, reservation)
        return DescribeResponse(describe=await tool_result(partial(tools.describe, picture, kind), request))


router.add_api_route(
    "/v1/tools/describe-image",
    describe_image,
    methods=["POST"],
    summary="Describe an image",
    dependencies=[require_scope(Scope.GENERATE)],
    responses=responses(401, 413, 415, 422, 429, 500, 503),
    openapi_extra={"requestBody": DESCRIBE_BODY},
    route_class_override=JsonOrFormRoute,
)


async def _sent_picture(
    context: Context, request: Request, image_type: str | None, reservation: Reservation
) -> tuple[Picture, DescribeKind]:
    """Return the decoded image and its kind. The image itself is freed before the wait for the tool's turn."""
    with BODY_BUDGET.reservation() as body:
        image, wanted = await read_body(request, body)
        kind = _describe_kind(wanted, image_type)
        picture = await run_in(INPUT_EXECUTOR, picture_of, context, request, image, reservation)
    free_body(request)
    return picture, kind


async def read_body(request: Request, reservation: Reservation) -> tuple[str | bytes | None, str | None]:
    """Return the image, as text or as a file's content, and the `image_type` of a JSON or form body."""
    if is_form(request):
        async with bounded_form(request) as form:
            image, image_type = form.get("image") or sent_image(form), form.get("image_type")
            content = await content_of(image, reservation) if isinstance(image, UploadFile) else image
            note_ignored(request, unknown_names(form, DescribeRequest.model_fields))
            return content, image_type if isinstance(image_type, str) else None
    body = await json_of(request, DescribeRequest)
    return body.image, body.image_type


def _describe_kind(*image_types: str | None) -> DescribeKind:
    """Return the kind of the first given image type, `photo` if none is given.

    Raises:
        InvalidFields: one of the image types is unknown.
    """
    known = {name.lower(): kind for name, kind in DESCRIBE_KINDS.items()}
    given = [text for text in image_types if text is not None] or ["Photo"]
    for text in given:
        if text.strip().lower() not in known:
            message = f"unknown image type {shortened(text)!r}"
            raise invalid_field("image_type", FieldErrorCode.UNKNOWN_VALUE, message, list(DESCRIBE_KINDS))
    return known[given[0].strip().lower()]
