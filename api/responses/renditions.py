"""Responses with a thumbnail or a view of an image, and names under which browsers save an image."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...files.replacing import SHORT_PAUSES_S, retried
from ...images.file_kinds import format_of
from ...images.renditions.renditions import Rendition, Renditions, TooManyRenditions
from ...images.renditions.source import NoRendition, Source
from ...images.thumbnails.sizes import Box
from ...images.thumbnails.thumbnails import Thumbnail
from ...images.views.sizes import ViewSize
from ...images.views.views import View
from .images import FORMATS, MEDIA_TYPES, accepted_format, image_response, not_modified, not_readable
from .problems import Problem, header, invalid_field

RENDITION_HEADERS: dict[str, Any] = {
    "Content-Location": header("The URL of a thumbnail, relative to the request's, with its listed size."),
    "Content-Disposition": header("`attachment` and a file name, with `download`."),
}
"""OpenAPI objects of the headers that only these responses have."""
VIEW = "size"
"""The query parameter that requests a view."""
EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
_WEBP = re.compile(r"image/webp\s*(?:;(?!\s*q\s*=\s*0(?:\.0*)?\s*$).*)?", re.IGNORECASE)


Image = tuple[Path, str]
"""An image's file, and its path in the outputs folder."""


def thumbnail_response(
    request: Request, renditions: Renditions, image: Image, box: Box, headers: dict[str, str], *, download: bool
) -> Response:
    """Return a thumbnail as the response to a GET or HEAD, or a 304 if the client's copy is current. Off the event loop.

    A thumbnail that has not been made yet is made when the response is sent.

    Raises:
        Problem: 404, the image was deleted; 422, it can't have a thumbnail; 503, it can't be read now.
    """
    field = "width" if box.width is not None else "height"
    source = source_of(image, field)
    thumbnail = Thumbnail(source, box, _format(request.headers.get("accept"), has_alpha=source.has_alpha))
    headers = {**headers, "Content-Location": f"{quote(image[0].name)}?{box.query()}"}
    return _response(request, renditions, _Requested(thumbnail, field), headers, download=download)


def view_response(
    request: Request, renditions: Renditions, image: Image, size: ViewSize, headers: dict[str, str], *, download: bool
) -> Response:
    """Return a view of an image in the format that `Accept` requires, else in the file's.

    The rest, and the errors, are as for `thumbnail_response`.
    """
    source = source_of(image, VIEW)
    view = View(source, size, accepted_format(request.headers.get("accept")) or source.image_format)
    if view.is_the_file:
        return image_response(request, source.path, headers | _saving(view, download=download))
    return _response(request, renditions, _Requested(view, VIEW), headers, download=download)


async def view_content(
    renditions: Renditions,
    image: Image,
    size: tuple[int, int] | None,
    image_format: str | None = None,
    quality: int | None = None,
    *,
    may_refuse: bool = False,
) -> bytes:
    """Return the file of a view for an answer that contains it, such as one in base64.

    Args:
        size: width and height, 1 to 4096 pixels each; None for those of the image.
        image_format: `PNG`, `JPEG` or `WEBP`; None for the file's own.
        quality: 1 to 100, for JPEG and WebP.
        may_refuse: whether it is refused while many others wait.

    Raises:
        Problem: as for `view_response`; 503, too many others wait.
    """
    source = await asyncio.to_thread(source_of, image, VIEW)
    view = View(source, size or source.size, image_format or source.image_format, quality)
    if not view.is_the_file:
        return await _made(renditions, _Requested(view, VIEW), may_refuse=may_refuse)
    try:
        return await asyncio.to_thread(retried, source.path.read_bytes, SHORT_PAUSES_S)
    except OSError as error:
        raise not_readable(source.path.name, error) from error


def source_of(image: Image, field: str) -> Source:
    """Return an image as its header describes it; `field` is the parameter that requests a rendition. Off the event loop.

    Raises:
        Problem: 404, the image was deleted; 422, it is broken; 503, it can't be read now.
    """
    path, relative = image
    try:
        return Source.read(path, relative)
    except OSError as error:
        raise not_readable(path.name, error) from error
    except NoRendition as error:
        raise no_rendition(field, error) from error


@dataclass(frozen=True)
class _Requested:
    """A rendition, and the parameter that requests it."""

    rendition: Rendition
    field: str


def _response(
    request: Request, renditions: Renditions, requested: _Requested, headers: dict[str, str], *, download: bool
) -> Response:
    rendition = requested.rendition
    source = rendition.source
    about = {
        **headers,
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{rendition.name}"',
        "Last-Modified": formatdate(source.modified, usegmt=True),
        "Content-Type": MEDIA_TYPES[rendition.image_format],
        **_saving(rendition, download=download),
    }
    response = Response(headers=about)
    if (same := not_modified(request, response)) is not None:
        return same
    content = renditions.cached(rendition)
    return Response(content, headers=about) if content is not None else NewRendition(renditions, requested, about)


def _saving(rendition: Rendition, *, download: bool) -> dict[str, str]:
    """Return the header with which browsers save a rendition, none without `download`."""
    sides = "x".join(map(str, rendition.size))
    name = f"{rendition.source.path.stem}-{sides}{EXTENSIONS[rendition.image_format]}"
    return {"Content-Disposition": attachment(name)} if download else {}


def attachment(name: str) -> str:
    """Return the `Content-Disposition` with which browsers save a file under this name (RFC 6266)."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def extension_of(request: Request, path: Path) -> str:
    """Return the extension of the image in the format of the response to this request, with its dot."""
    wanted = accepted_format(request.headers.get("accept"))
    return path.suffix if wanted in (None, format_of(path)) else EXTENSIONS[str(wanted)]


def no_rendition(field: str, error: NoRendition) -> Problem:
    """Return the 422 for an image that can't have a rendition; `field` is the parameter that requests it."""
    message = f"{error}; omit {field} to get the file unchanged"
    return invalid_field(field, FieldErrorCode.UNREADABLE_IMAGE, message)


class NewRendition(Response):
    """A response with a rendition that is made when the response is sent."""

    def __init__(self, renditions: Renditions, requested: _Requested, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        self._renditions = renditions
        self._requested = requested

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = await _made(self._renditions, self._requested)
        headers = {name: value for name, value in self.headers.items() if name != "content-length"}
        await Response(content, headers=headers)(scope, receive, send)


async def _made(renditions: Renditions, requested: _Requested, *, may_refuse: bool = True) -> bytes:
    try:
        making = asyncio.wrap_future(renditions.make(requested.rendition, may_refuse=may_refuse))
        return await asyncio.shield(making)  # other requests may wait for the same one
    except TooManyRenditions as error:
        message = "too many thumbnails and views are being made; try again in a moment"
        raise Problem(ErrorCode.SERVER_BUSY, message, headers={"Retry-After": "1"}) from error
    except OSError as error:
        raise not_readable(requested.rendition.source.path.name, error) from error
    except NoRendition as error:
        raise no_rendition(requested.field, error) from error


def _format(accept: str | None, *, has_alpha: bool) -> str:
    """Return the format that `Accept` requires, else WebP if it names that, else JPEG, or PNG for transparency."""
    wanted = accepted_format(accept)
    if wanted is not None:
        return wanted
    if any(_WEBP.fullmatch(part.strip()) for part in (accept or "").split(",")):
        return FORMATS["image/webp"]
    return "PNG" if has_alpha else "JPEG"
