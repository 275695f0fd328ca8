"""Reads requests: JSON, and forms with pictures."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ...context import Context
from ...executors import INPUT_EXECUTOR, run_in
from ...images.forms import bounded_form
from ...requests.image_sources import ImageResolver
from ...requests.json_body import MAX_BODY_BYTES, is_form, is_json
from ...requests.memory_budget import BODY_BUDGET, Reservation
from ...responses.problems import Problem, invalid_field
from ...responses.public_urls import PublicUrls
from ...security.authorization import may_see_image
from .pictures import Pictures, check_count

MAX_FILES = 16
"""Images that OpenAI takes; Fooocus takes fewer, and says how many."""
FORM_BYTES = MAX_BODY_BYTES
"""Bytes of the largest form."""
IMAGES = ("image", "images")
"""Names of the field with the pictures. A form may have it several times, also as `image[]`."""
URLS = ("image_url", "image_urls")
"""Further names of the pictures in JSON, as other servers have them."""
PLACES = ("image_url", "url", "b64_json")
"""Members of a reference to an image that may have its URL or its data."""
MASK = "mask"


@dataclass(frozen=True)
class Sent:
    """A request with pictures: its other `members`, and a `content` that identifies it."""

    members: dict[str, Any]
    pictures: Pictures
    content: Any


async def members_of(request: Request) -> dict[str, Any]:
    """Return the members of a JSON body, which a `JsonRoute` has parsed.

    Raises:
        Problem: 415, the body is not JSON.
        InvalidFields: it is not an object.
    """
    if not is_json(request):
        detail = "body is not JSON; send a JSON object with Content-Type: application/json"
        raise Problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE, detail)
    content = await request.json() if await request.body() else {}
    if not isinstance(content, dict):
        raise invalid_field("body", FieldErrorCode.WRONG_TYPE, "must be a JSON object")
    return content


@asynccontextmanager
async def sent_pictures(request: Request, context: Context) -> AsyncIterator[Sent]:
    """Yield a request with at least one picture, read from a form or from JSON, within the budget of memory.

    Raises:
        Problem: the request is too large, or neither.
        InvalidFields: it has no picture, or one that can't be fetched.
    """
    with BODY_BUDGET.reservation() as reservation:
        if not is_form(request):
            yield await _from_json(request, context, reservation)
            return
        async with bounded_form(request, max_files=MAX_FILES + 1, max_bytes=FORM_BYTES) as form:
            files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
            reservation.grow(2 * sum(file.size or 0 for _, file in files))  # the files, and their base64
            reservation.grow(sum(len(value) for _, value in form.multi_items() if isinstance(value, str)))
            sent = await _from_form(form)
        yield sent


async def _from_form(form: FormData) -> Sent:
    members: dict[str, Any] = {}
    images: list[bytes] = []
    mask: bytes | None = None
    for name, value in form.multi_items():
        plain = name.partition("[")[0]
        if isinstance(value, UploadFile) and plain in IMAGES:
            images.append(await value.read())
        elif isinstance(value, UploadFile) and plain == MASK:
            mask = await value.read() or None
        elif isinstance(value, str) and value and plain in (*IMAGES, MASK):
            raise invalid_field(plain, FieldErrorCode.WRONG_TYPE, "is text; send it as a file, with a file name")
        else:
            members[name] = value if isinstance(value, str) else ""
    pictures = _checked(Pictures(images, mask))
    return Sent(members, pictures, {**members, "pictures": await run_in(INPUT_EXECUTOR, _hashes, pictures)})


def _hashes(pictures: Pictures) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in (*pictures.images, pictures.mask or b"")]


async def _from_json(request: Request, context: Context, reservation: Reservation) -> Sent:
    content = await members_of(request)
    members = {name: value for name, value in content.items() if name not in (*IMAGES, *URLS, MASK)}
    given: Any = next((content[name] for name in (*IMAGES, *URLS) if content.get(name)), [])
    references = given if isinstance(given, list) else [given]
    if len(references) > MAX_FILES:
        message = f"has {len(references)} images; at most {MAX_FILES} are allowed"
        raise invalid_field("images", FieldErrorCode.WRONG_COUNT, message)
    check_count(len(references), context)  # before any is fetched
    texts = [_text(reference, "images") for reference in references]
    mask = _text(content[MASK], MASK) if content.get(MASK) else None
    resolver = ImageResolver(context, request.headers.get("host"), may_see=may_see_image(context, request))
    fetch = partial(_fetched, resolver=resolver, urls=context.urls(request), reservation=reservation)
    return Sent(members, _checked(await run_in(INPUT_EXECUTOR, fetch, texts, mask)), content)


def _fetched(
    texts: list[str], mask: str | None, *, resolver: ImageResolver, urls: PublicUrls, reservation: Reservation
) -> Pictures:
    def content_of(field: str, text: str | None) -> bytes | None:
        content = resolver.file_content(field, text, urls)
        reservation.grow(len(content or b""))  # before the next one is fetched
        return content

    images = [content_of("images", text) for text in texts]
    return Pictures([content for content in images if content is not None], content_of(MASK, mask))


def _text(reference: Any, field: str) -> str:
    """Return the URL or the data of a reference to an image: a text, or an object with it."""
    if isinstance(reference, dict):
        if "file_id" in reference:
            message = "names an uploaded file, which this server does not keep; send image_url, a URL or a data URI"
            raise invalid_field(f"{field}.file_id", FieldErrorCode.UNKNOWN_FIELD, message)
        reference = next((reference[place] for place in PLACES if reference.get(place)), None)
        if isinstance(reference, dict):  # as in chat completions
            reference = reference.get("url")
    if not isinstance(reference, str) or not reference:
        message = "has no image; send a URL, a data URI or base64, or an object with image_url"
        raise invalid_field(field, FieldErrorCode.WRONG_TYPE, message)
    return reference


def _checked(pictures: Pictures) -> Pictures:
    if not pictures.images:
        message = "is required; send a file in the field image of a form, or a URL in images"
        raise invalid_field("image", FieldErrorCode.REQUIRED, message)
    return pictures
