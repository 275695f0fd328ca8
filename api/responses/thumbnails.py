"""Responses with a thumbnail of an image, and names under which browsers save an image."""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from ...asgi.error_codes import ErrorCode, FieldErrorCode
from ...images.file_kinds import format_of
from ...images.thumbnails.rendering import NoThumbnail
from ...images.thumbnails.sizes import Box
from ...images.thumbnails.thumbnails import Source, Thumbnail, Thumbnails, TooManyThumbnails
from .images import FORMATS, MEDIA_TYPES, accepted_format, not_modified, not_readable
from .problems import Problem, header, invalid_field

THUMBNAIL_HEADERS: dict[str, Any] = {
    "Content-Location": header("The URL of this thumbnail, relative to the request's, with its listed size."),
    "Content-Disposition": header("`attachment` and a file name, with `download`."),
}
"""OpenAPI objects of the headers that only these responses have."""
EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
_WEBP = re.compile(r"image/webp\s*(?:;(?!\s*q\s*=\s*0(?:\.0*)?\s*$).*)?", re.IGNORECASE)


def thumbnail_response(
    request: Request,
    thumbnails: Thumbnails,
    image: tuple[Path, str],
    box: Box,
    headers: dict[str, str],
    *,
    download: bool,
) -> Response:
    """Return a thumbnail as the response to a GET or HEAD, or a 304 if the client's copy is current. Off the event loop.

    A thumbnail that has not been made yet is made when the response is sent.

    Args:
        image: the file, and its path in the outputs folder.

    Raises:
        Problem: 404, the image was deleted; 422, it can't have a thumbnail; 503, it can't be read now.
    """
    path, relative = image
    field = "width" if box.width is not None else "height"
    try:
        source = Source.read(path, relative)
        modified = path.stat().st_mtime
    except OSError as error:
        raise not_readable(path.name, error) from error
    except NoThumbnail as error:
        raise no_thumbnail(field, error) from error
    thumbnail = Thumbnail(source, box, _format(request.headers.get("accept"), has_alpha=source.has_alpha))
    about = {
        **headers,
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{thumbnail.name}"',
        "Last-Modified": formatdate(modified, usegmt=True),
        "Content-Location": f"{quote(path.name)}?{box.query()}",
        "Content-Type": MEDIA_TYPES[thumbnail.image_format],
    }
    if download:
        sides = "x".join(map(str, thumbnail.size))
        about["Content-Disposition"] = attachment(f"{path.stem}-{sides}{EXTENSIONS[thumbnail.image_format]}")
    response = Response(headers=about)
    if (same := not_modified(request, response)) is not None:
        return same
    content = thumbnails.cached(thumbnail)
    return Response(content, headers=about) if content is not None else NewThumbnail(thumbnails, thumbnail, about)


def attachment(name: str) -> str:
    """Return the `Content-Disposition` with which browsers save a file under this name (RFC 6266)."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def extension_of(request: Request, path: Path) -> str:
    """Return the extension of the image in the format of the response to this request, with its dot."""
    wanted = accepted_format(request.headers.get("accept"))
    return path.suffix if wanted in (None, format_of(path)) else EXTENSIONS[str(wanted)]


def no_thumbnail(field: str, error: NoThumbnail) -> Problem:
    """Return the 422 for an image that can't have a thumbnail; `field` is the parameter that requests it."""
    message = f"{error}; omit {field} to get the file unchanged"
    return invalid_field(field, FieldErrorCode.UNREADABLE_IMAGE, message)


class NewThumbnail(Response):
    """A response with a thumbnail that is made when the response is sent."""

    def __init__(self, thumbnails: Thumbnails, thumbnail: Thumbnail, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        self._thumbnails = thumbnails
        self._thumbnail = thumbnail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        field = "width" if self._thumbnail.box.width is not None else "height"
        try:
            making = asyncio.wrap_future(self._thumbnails.make(self._thumbnail))
            content = await asyncio.shield(making)  # other requests may wait for the same thumbnail
        except TooManyThumbnails as error:
            message = "too many thumbnails are being made; try again in a moment"
            raise Problem(ErrorCode.SERVER_BUSY, message, headers={"Retry-After": "1"}) from error
        except OSError as error:
            raise not_readable(self._thumbnail.source.path.name, error) from error
        except NoThumbnail as error:
            raise no_thumbnail(field, error) from error
        headers = {name: value for name, value in self.headers.items() if name != "content-length"}
        await Response(content, headers=headers)(scope, receive, send)


def _format(accept: str | None, *, has_alpha: bool) -> str:
    """Return the format that `Accept` requires, else WebP if it names that, else JPEG, or PNG for transparency."""
    wanted = accepted_format(accept)
    if wanted is not None:
        return wanted
    if any(_WEBP.fullmatch(part.strip()) for part in (accept or "").split(",")):
        return FORMATS["image/webp"]
    return "PNG" if has_alpha else "JPEG"
