"""`POST /v1/archive`: images of chosen tasks in one file, which is made while it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....auth.keys import Scope
from ....images.references import REFERENCE_PREFIXES, ImageReference, without_older_prefix
from ...context import ApiContext, Context
from ...images.output_files import find_output
from ...requests.json_body import JsonRoute, check_coding, with_json
from ...responses.problems import Problem, invalid_field, responses
from ...security.authorization import as_stored, may_see, may_see_image, require_scope
from .zip_stream import MAX_IMAGES, UniqueNames, ZipStream, safe_name, zip_response

MAX_CHOSEN = 2_000
MAX_LENGTH = 2_000
MAX_BODY_BYTES = 512 * 2**10
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
LISTS = ("task_ids", "images")
MISSING = "missing.txt"
Chosen = list[Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]]


class ArchiveRequest(BaseModel):
    """The images to send."""

    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"anyOf": [{"properties": {name: {"minItems": 1}}, "required": [name]} for name in LISTS]},
    }

    task_ids: Chosen = Field(
        default_factory=list, max_length=MAX_CHOSEN, description="Ids of tasks, of which all images are sent."
    )
    images: Chosen = Field(
        default_factory=list,
        max_length=MAX_CHOSEN,
        description="Single images: their URLs as records have them, or `outputs/…`.",
    )
    file_name: str = Field(
        default="images.zip", max_length=100, description="The name that browsers save the file under; `.zip` is added."
    )


class FormOrJsonRoute(JsonRoute):
    """A route whose JSON body may also be a form of a page, whose lists are fields that are given more than once."""

    max_body_bytes = MAX_BODY_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == MULTIPART:
                message = f"{MULTIPART} is not supported; send application/json or {FORM}"
                raise Problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)
            return await handle(await _as_json(request) if kind == FORM else request)

        return handler


router = APIRouter(tags=["images"], route_class=FormOrJsonRoute, dependencies=[require_scope(Scope.READ)])


@router.post(
    "/v1/archive",
    summary="Images of chosen tasks",
    response_class=Response,
    responses={
        200: {"description": "A ZIP file.", "content": {"application/zip": {}}},
        **responses(401, 404, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": {"content": {FORM: {"schema": {"$ref": "#/components/schemas/ArchiveRequest"}}}}},
)
def post_archive(context: ApiContext, request: Request, body: Annotated[ArchiveRequest, Body()]) -> Response:
    """Return the images in one ZIP file, each once, under the names of their files. `missing.txt` lists those that do not exist
    any more, that the key may not see, or that are more than one archive takes, 50,000. The request may be a form,
    `application/x-www-form-urlencoded`, with the fields `task_ids` and `images` as often as needed."""
    if not (body.task_ids or body.images):
        raise invalid_field(
            "task_ids", FieldErrorCode.REQUIRED, "and images are empty; name at least one task or image"
        )
    choice = _Choice(context, request, body)
    pictures = choice.pictures()
    first = next(pictures, None)
    if first is None:
        raise Problem(ErrorCode.IMAGE_NOT_FOUND, "none of the images exists; reload the list of tasks")
    stem = "".join(sign for sign in body.file_name.removesuffix(".zip") if " " <= sign <= "~" and sign not in ";%")
    return zip_response(
        request, lambda: choice.parts(chain([first], pictures)), f"{safe_name(stem) if stem else 'images'}.zip"
    )


@dataclass(frozen=True)
class _Picture:
    """An image to send: its path relative to the outputs folder, and its file."""

    relative: str
    file: Path


class _Choice:
    """The images of one request. Each function is used once."""

    def __init__(self, context: Context, request: Request, wanted: ArchiveRequest) -> None:
        self._context = context
        self._request = request
        self._wanted = wanted
        self._missing: list[str] = []

    def pictures(self) -> Iterator[_Picture]:
        """Yield the images that exist and that the client may see, each once. What is beyond `MAX_IMAGES` counts as missing."""
        seen: set[str] = set()
        for relative, name in self._named():
            if relative in seen:
                continue
            if len(seen) >= MAX_IMAGES:
                self._missing.append(name)
                continue
            seen.add(relative)
            try:
                yield _Picture(relative, find_output(self._context, PurePosixPath(relative)))
            except Problem:
                self._missing.append(name)

    def parts(self, pictures: Iterator[_Picture]) -> Iterator[bytes]:
        """Yield the archive's bytes."""
        archive, names = ZipStream(), UniqueNames()
        names.take(MISSING)
        for picture in pictures:
            name = names.take(PurePosixPath(picture.relative).name)
            if not (yield from archive.file(name, picture.file)):
                self._missing.append(picture.relative)
        if self._missing:
            yield from archive.lines(MISSING, (each.encode("utf-8", "replace") for each in self._missing))
        yield archive.end()

    def _named(self) -> Iterator[tuple[str, str]]:
        """Yield the path of each image that the client may see, with the words for it if its file is missing."""
        ids = list(dict.fromkeys(map(as_stored, self._wanted.task_ids)))
        for task_id, task in zip(ids, self._context.services.history.found(ids), strict=True):
            if task is None or not may_see(self._request, task):
                self._missing.append(task_id)
                continue
            yield from ((image.path, image.path) for image in task.images)
        sees = may_see_image(self._context, self._request)
        for text in self._wanted.images:
            relative = output_path(text)
            if relative is None or not sees(str(ImageReference.output(relative))):
                self._missing.append(text)
            else:
                yield relative, text


def output_path(text: str) -> str | None:
    """Return the path of a generated image relative to the outputs folder, from its URL or reference; None for another text."""
    try:
        path = unquote(urlsplit(text).path)
    except ValueError:
        return None
    folder = REFERENCE_PREFIXES[0]
    for beginning in (folder, "files/"):
        _, found, relative = f"/{path}".rpartition(f"/{beginning}")
        if found and relative.count("/") in (1, 2):  # of a cluster with the node
            image = ImageReference.parse(without_older_prefix(f"{folder}{relative}"))
            return image.name if image is not None else None
    return None


async def _as_json(request: Request) -> Request:
    """Return the request with its form as JSON.

    Raises:
        Problem: 413, the form is too large; 415, it is compressed; 422, it is not a valid one.
    """
    check_coding(request)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            message = f"form is too large; at most {MAX_BODY_BYTES // 2**10} KiB are allowed"
            raise Problem(ErrorCode.PAYLOAD_TOO_LARGE, message)
    return with_json(request, await asyncio.to_thread(_members, bytes(body)))


def _members(body: bytes) -> bytes:
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=2 * MAX_CHOSEN + 100)
    except ValueError as error:
        message = f"is not a valid form in UTF-8 with at most {2 * MAX_CHOSEN} fields"
        raise invalid_field("body", FieldErrorCode.INVALID_FORM, message) from error
    members: dict[str, Any] = {}
    for name, value in fields:
        if name in LISTS:
            members.setdefault(name, []).append(value)
        elif name in members:
            raise invalid_field(name[:100], FieldErrorCode.DUPLICATE, "is given more than once; send it once")
        else:
            members[name] = value
    return json.dumps(members).encode()
