"""`/v1/tools/read-metadata`: reads the parameters in an image, and answers a request that generates with them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....images.codecs.input_formats import Unreadable
from ....images.metadata.reader import read_file, read_text
from ....images.metadata.schemes.found import Metadata
from ....images.storage.input_store import MAX_BYTES
from ...context import Context
from ...executors import INPUT_EXECUTOR, run_in
from ...images.forms import bounded_form, content_of, image_form, image_too_large
from ...images.tool_pictures import IMAGE
from ...metadata.answer import ReadMetadataResponse, answer_of
from ...requests.image_sources import ImageResolver
from ...requests.json_body import JsonOrFormRoute, JsonRoute, is_form
from ...requests.memory_budget import BODY_BUDGET, Reservation
from ...requests.parameter_names import note_ignored, unknown_names
from ...responses.problems import invalid_field, responses
from ...schemas.generate import CommonRequest
from ...security.authorization import may_see_image, require_scope
from .bodies import json_of

MAX_TEXT_LENGTH = 1_000_000
"""Characters of a pasted text. A log page of a busy day has some hundred thousand."""
TEXT = (
    "In place of an image: parameters that were copied from a program, from Fooocus's `log.html` or from its copy button. "
    f"At most {MAX_TEXT_LENGTH:,} characters."
)


class ReadMetadataRequest(BaseModel):
    """An image or a text with parameters."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "oneOf": [
                {"properties": {name: {"type": "string", "minLength": 1}}, "required": [name]}
                for name in ("image", "text")
            ]
        },
    )

    image: str | None = Field(default=None, description=IMAGE)
    text: str | None = Field(default=None, description=TEXT)


def _body() -> dict[str, Any]:
    form = image_form(text={"type": "string", "minLength": 1, "description": TEXT})
    schema = form["multipart/form-data"]["schema"]
    del schema["required"]
    schema["oneOf"] = [{"required": [name]} for name in ("image", "text")]
    json_body = {"schema": ReadMetadataRequest.model_json_schema()}
    return {"required": True, "content": {**form, "application/json": json_body}}


def router(context: Context, model: type[CommonRequest]) -> APIRouter:
    """Return the router; `model` is the request model of the running host."""
    routes = APIRouter(tags=["tools"], route_class=JsonRoute)

    async def read_metadata(request: Request) -> ReadMetadataResponse:
        """Read the parameters in a file of Fooocus, its forks, AUTOMATIC1111 and others, and return a request for this host.

        Needs no model and no turn in the queue. Images of any number of pixels are read, as none is decoded.
        """
        _ = context.services  # a host that is not supported has no requests
        with BODY_BUDGET.reservation() as reservation:
            image, text = await read_body(request, reservation)
            return await run_in(INPUT_EXECUTOR, _answer, context, request, model, image, text)

    routes.add_api_route(
        "/v1/tools/read-metadata",
        read_metadata,
        methods=["POST"],
        summary="Read an image's parameters",
        dependencies=[require_scope(Scope.GENERATE)],
        responses=responses(401, 413, 415, 422, 503),
        openapi_extra={"requestBody": _body()},
        route_class_override=JsonOrFormRoute,
    )
    return routes


async def read_body(request: Request, reservation: Reservation) -> tuple[str | bytes | None, str | None]:
    """Return the image, as text or as a file's content, and the text of a JSON or form body."""
    if is_form(request):
        async with bounded_form(request) as form:
            image, text = form.get("image"), form.get("text")
            content = await content_of(image, reservation) if isinstance(image, UploadFile) else image
            note_ignored(request, unknown_names(form, ReadMetadataRequest.model_fields))
            return content or None, text if isinstance(text, str) else None
    body = await json_of(request, ReadMetadataRequest)
    return body.image, body.text


def _answer(
    context: Context, request: Request, model: type[CommonRequest], image: str | bytes | None, text: str | None
) -> ReadMetadataResponse:
    return answer_of(_found(context, request, image, text), model, context)


def _found(context: Context, request: Request, image: str | bytes | None, text: str | None) -> Metadata:
    content = image
    if not isinstance(content, bytes):
        resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
        content = resolver.file_content("image", content, context.urls(request))
    if text and content is not None:
        raise invalid_field("text", FieldErrorCode.CONFLICT, "can't be used with image; send one of them")
    if text:
        return _found_in(text)
    if content is None:
        raise invalid_field("image", FieldErrorCode.REQUIRED, "is required, unless text is given")
    if len(content) > MAX_BYTES:
        raise image_too_large()
    try:
        return read_file(content)
    except Unreadable as error:
        raise invalid_field("image", FieldErrorCode.UNREADABLE_IMAGE, f"is {error}") from error


def _found_in(text: str) -> Metadata:
    if len(text) > MAX_TEXT_LENGTH:
        message = f"has {len(text):,} characters; at most {MAX_TEXT_LENGTH:,} are allowed, send the entry of one image"
        raise invalid_field("text", FieldErrorCode.TOO_LONG, message)
    return read_text(text)
