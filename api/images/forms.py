"""Forms with image files, read within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...asgi.problem import shortened
from ...images.codecs.input_formats import ANY, MEDIA_TYPES
from ...images.storage.input_store import MAX_BYTES
from ..requests.json_body import SMALL_BODY_BYTES, check_coding, is_form
from ..requests.memory_budget import Reservation
from ..responses.problems import Problem, invalid_field

FORM_BYTES = MAX_BYTES + 2**20
"""Bytes of the largest form: an image of the largest size and 1 MiB for the rest of the form."""
MAX_NAMED = 5
"""Fields of a form that an error names."""


def image_form(**fields: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI content of a form with one image file and further fields."""
    image = {
        "type": "string",
        "format": "binary",
        "description": f"A {ANY} file of up to {MAX_BYTES // 2**20} MiB. Of an animation, the first frame is used.",
    }
    schema = {"type": "object", "required": ["image"], "properties": {"image": image, **fields}}
    kinds = {"image": {"contentType": ", ".join(MEDIA_TYPES)}}
    return {"multipart/form-data": {"schema": schema, "encoding": kinds}}


@asynccontextmanager
async def bounded_form(request: Request, *, max_files: int = 1, max_bytes: int = FORM_BYTES) -> AsyncIterator[FormData]:
    """Yield a form with image files.

    Args:
        max_files: the number of files that the form may have.
        max_bytes: bytes of the largest form.

    Raises:
        Problem: 413 while it is read, if it is too large; 415 if it is compressed; 422 if it is not a valid form.
    """
    if not is_form(request):  # a urlencoded form of 50 MiB blocks the event loop for minutes
        raise _no_image()
    check_coding(request)
    if _charset(request) not in ("utf-8", "utf8", "us-ascii"):  # some Python codecs hang or fail
        raise _no_form("its charset must be utf-8")
    try:
        form = await _WholeForm(request.headers, _bounded(request, max_bytes).stream(), max_files=max_files).parse()
    except FormParserError as error:
        raise _no_form(str(error)) from error
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            message = "has more than one file; send one image per request"
            if max_files > 1:
                message = f"has too many files; at most {max_files} are allowed"
            raise invalid_field("image", FieldErrorCode.WRONG_COUNT, message) from error
        raise _no_form(error.message) from error
    try:
        yield form
    finally:
        await form.close()


class _WholeForm(MultiPartParser):
    """A form whose parts all have an end. Starlette leaves out one that is cut off, which may be the image."""

    _is_in_part = False

    def on_part_begin(self) -> None:
        self._is_in_part = True
        super().on_part_begin()

    def on_part_end(self) -> None:
        self._is_in_part = False
        super().on_part_end()

    async def parse(self) -> FormData:
        """Return the form.

        Raises:
            MultiPartException: it is invalid, or cut off.
            FormParserError: it is no form.
        """
        form = await super().parse()
        if self._is_in_part:
            await form.close()
            raise MultiPartException("its last part has no end")
        return form


def _bounded(request: Request, max_bytes: int) -> Request:
    """Return the same request with a body that raises 413 once more than `max_bytes` were read."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise image_too_large() if max_bytes == FORM_BYTES else _form_too_large(max_bytes)
        return message

    return Request(request.scope, receive)


def _charset(request: Request) -> str:
    _, parameters = parse_options_header(request.headers["content-type"])
    return parameters.get(b"charset", b"utf-8").decode("latin-1").lower()


def sent_image(form: FormData) -> UploadFile:
    """Return the form's image.

    Raises:
        InvalidFields: the field `image` has no file; the message names the fields that were sent.
    """
    image = form.get("image")
    if isinstance(image, UploadFile):
        return image
    if image is not None:
        raise invalid_field("image", FieldErrorCode.WRONG_TYPE, "is text; send it as a file, with a file name")
    files = [shortened(name, 60) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    if files:
        message = f"is required; the file was sent as {files[0]!r}: rename that field to 'image'"
    elif names := list(dict.fromkeys(shortened(name, 60) for name, _ in form.multi_items()))[:MAX_NAMED]:
        message = f"is required; the form has no file, only {', '.join(map(repr, names))}"
    else:
        message = "is required; the form is empty"
    raise invalid_field("image", FieldErrorCode.REQUIRED, message, ["image"])


async def content_of(image: UploadFile, reservation: Reservation) -> bytes:
    """Read a form's image, which the form keeps on the disk, after memory is reserved for it.

    Raises:
        Problem: 503, too much memory is in use.
    """
    reservation.grow(max((image.size or 0) - SMALL_BODY_BYTES, 0))
    return await image.read()


def _no_image() -> Problem:
    return invalid_field("image", FieldErrorCode.REQUIRED, "is required; send a file as multipart/form-data")


def _no_form(problem: str) -> Problem:
    return invalid_field("body", FieldErrorCode.INVALID_FORM, f"is not valid multipart/form-data: {problem}")


def image_too_large() -> Problem:
    """Return the 413 for an image file of more than MAX_BYTES."""
    return Problem(ErrorCode.PAYLOAD_TOO_LARGE, f"image is too large; at most {MAX_BYTES // 2**20} MiB are allowed")


def _form_too_large(max_bytes: int) -> Problem:
    return Problem(ErrorCode.PAYLOAD_TOO_LARGE, f"form is too large; at most {max_bytes // 2**20} MiB are allowed")
