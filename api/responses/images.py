"""Image responses: Accept negotiation, conditional requests, ranges and conversion."""

from __future__ import annotations

import asyncio
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from ...asgi.error_codes import ErrorCode
from ...asgi.problem import shortened
from ...images.codecs.conversion import CannotConvert, check_convertible, converted
from ...images.file_kinds import format_of
from ..executors import CONVERSION_EXECUTOR, run_in
from .problems import Problem, header, responses

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/jpg": "JPEG", "image/webp": "WEBP"}
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
CACHE_IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Headers of a file that never changes under its name. Private, as a key may be needed."""
CACHE_REVALIDATE = {"Cache-Control": "private, no-cache"}
"""Headers of a URL whose image may change: a browser caches it and revalidates it on each use."""

_CONTENT: dict[str, Any] = {kind: {} for kind in MEDIA_TYPES.values()}
_VALIDATORS = {
    "ETag": header("Validator for `If-None-Match` and `If-Range`.", required=True),
    "Last-Modified": header("Validator for `If-Modified-Since` and `If-Range`.", required=True),
    "Cache-Control": header("Caching rules for the image.", required=True),
    "Vary": header("`Accept`, which determines the format.", required=True),
}
_PART = {"Content-Range": header("The range of bytes in the response.", required=True)}
IMAGES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The image.", "content": _CONTENT, "headers": _VALIDATORS},
    206: {
        "description": "The part of the image that `Range` requests.",
        "content": _CONTENT,
        "headers": {**_VALIDATORS, **_PART},
    },
    304: {
        "description": "The client's copy is current, according to `If-None-Match` or `If-Modified-Since`.",
        "headers": _VALIDATORS,
    },
    **responses(401, 403, 404, 406, 416, 503),
}
"""The `responses` of a route that returns an image."""
CONDITIONS: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in (
            ("Range", "The part to return, as in `bytes=0-99`; any other form returns the whole image."),
            ("If-Range", "An `ETag` or `Last-Modified`; if the image has changed since, the whole image is returned."),
            ("If-None-Match", "The `ETag` of the client's copy."),
            ("If-Modified-Since", "The `Last-Modified` of the client's copy."),
        )
    ]
}
"""The `openapi_extra` of such a route: the request headers that `image_response` supports."""


def accepted_format(accept: str | None) -> str | None:
    """Return the image format that an Accept header requires, None unless it names exactly one supported type.

    A browser's `<img>` names several types and wildcards, so it gets the file without conversion.
    """
    parts = [part.partition(";") for part in (accept or "").lower().split(",") if part.strip()]
    kinds = [kind.strip() for kind, _, parameters in parts if not _NOT_AT_ALL.search(parameters)]
    images = {FORMATS[kind] for kind in kinds if kind in FORMATS}
    return images.pop() if len(images) == 1 and all(kind in FORMATS for kind in kinds) else None


def not_convertible(error: CannotConvert, headers: dict[str, str] | None = None, **extra: Any) -> Problem:
    """Return the 406 for an image that can't be converted to the format that `Accept` names, with the reason."""
    detail = f"{error}; request another format, or omit Accept to get the file unchanged"
    return Problem(ErrorCode.NOT_ACCEPTABLE, detail, headers=headers, **extra)


def image_response(request: Request, path: Path, headers: dict[str, str] | None = None) -> Response:
    """Return an image file as the response to a GET or HEAD. Off the event loop.

    If `Accept` names exactly one supported type and the file has another, the file is converted when the response is sent.
    The response is a 304 if the client's copy is current, and a 206 for a `Range`.

    Raises:
        Problem: 404, the file was deleted; 406, that type can't hold the image; 416, the range begins beyond the end; 503, the
            file can't be read now.
    """
    image_format = format_of(path)
    wanted = accepted_format(request.headers.get("accept")) or image_format
    headers = {"Vary": "Accept", "X-Content-Type-Options": "nosniff", **(headers or {})}
    try:
        file = ImageFile(path, media_type=MEDIA_TYPES.get(image_format or ""), headers=headers, stat_result=path.stat())
        if wanted is None or wanted == image_format:
            return not_modified(request, file) or file.ranged(request)
        check_convertible(path, wanted)
        del file.headers["content-length"], file.headers["accept-ranges"]
        file.headers["etag"] = f'{file.headers["etag"][:-1]}-{wanted.lower()}"'
        file.headers["content-type"] = MEDIA_TYPES[wanted]
        return not_modified(request, file) or ConvertedFile(path, wanted, dict(file.headers))
    except OSError as error:
        raise not_readable(path.name, error) from error
    except CannotConvert as error:
        raise not_convertible(error, {"Vary": "Accept"}) from error


def not_readable(name: str, error: OSError, headers: dict[str, str] | None = None, **extra: Any) -> Problem:
    """Return the 404 for a deleted image, or the 503 for one that can't be read now: on Windows another program may have
    locked it."""
    if isinstance(error, FileNotFoundError):
        return Problem(ErrorCode.IMAGE_NOT_FOUND, f"image {name} was deleted", headers=headers, **extra)
    detail = f"image {name} can't be read: {error.strerror or 'disk error'}; try again in a moment"
    return Problem(ErrorCode.IMAGE_UNREADABLE, detail, headers={**(headers or {}), "Retry-After": "5"}, **extra)


def no_image(name: str) -> Problem:
    """Return the 404 for an image that does not exist or that the caller may not see; the answer does not reveal which."""
    return Problem(ErrorCode.IMAGE_NOT_FOUND, f"image {shortened(name)} does not exist")


def image_gone(name: str) -> Problem:
    """Return the 410 for an image that a record lists, and that the caller may see, of which there is no file."""
    message = f"image {shortened(name)} was deleted; only its task's record is left"
    return Problem(ErrorCode.IMAGE_GONE, message)


class ConvertedFile(Response):
    """A response that converts a file to another format when it is sent."""

    def __init__(self, path: Path, image_format: str, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        self._path = path
        self._format = image_format

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            content = await run_in(CONVERSION_EXECUTOR, converted, self._path, self._format)
        except OSError as error:
            raise not_readable(self._path.name, error) from error
        except CannotConvert as error:
            raise not_convertible(error, {"Vary": "Accept"}) from error
        headers = {name: value for name, value in self.headers.items() if name != "content-length"}
        await Response(content, headers=headers)(scope, receive, send)


class ImageFile(FileResponse):
    """A file response with support for Range.

    Starlette answers a Range that it can't parse with an error; RFC 9110 (14.2) lets a server ignore the header instead.
    """

    def ranged(self, request: Request) -> Response:
        """Set the response's range from the request and return the response.

        Raises:
            Problem: 416, the range begins beyond the end.
        """
        condition = request.headers.get("if-range")
        wanted = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
        if wanted is None or (condition is not None and condition not in self._validators()):
            self._range = None
            return self
        size = int(self.headers["content-length"])
        first, last, suffix = wanted.groups()
        start = max(size - int(suffix), 0) if suffix else int(first)
        if start >= size or (suffix and not int(suffix)):
            raise Problem(
                ErrorCode.RANGE_NOT_SATISFIABLE,
                f"range begins beyond the end of the image, which has {size} bytes",
                headers={"Content-Range": f"bytes */{size}"},
            )
        end = min(int(last), size - 1) if last else size - 1
        self._range = f"bytes={start}-{end}" if start <= end else None
        return self

    def _validators(self) -> list[str]:
        return [self.headers["etag"], self.headers["last-modified"]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]
        if self._range is not None:
            headers.append((b"range", self._range.encode("ascii")))
        path = Path(self.path)
        try:  # before the headers are sent; and while it is open, no other program can lock it
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            raise not_readable(path.name, error) from error
        with file:
            await super().__call__({**scope, "headers": headers}, receive, send)

    _range: str | None = None


_NOT_AT_ALL = re.compile(r"(?:^|;)\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)")
_ONE_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.ASCII | re.IGNORECASE)


def not_modified(request: Request, response: Response) -> Response | None:
    """Return a 304 if the client's copy matches this response, else None."""
    known, since = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        same = "*" in tags or response.headers["etag"] in tags
    else:
        modified = response.headers.get("last-modified")
        same = None not in (since, modified) and _is_newer(str(since), str(modified))
    if not same:
        return None
    kept = ("cache-control", "etag", "last-modified", "vary", "x-content-type-options")
    return Response(
        status_code=304, headers={name: response.headers[name] for name in kept if name in response.headers}
    )


def _is_newer(since: str, modified: str) -> bool:
    """Return whether the HTTP date `since` is not before the HTTP date `modified`."""
    try:
        return parsedate_to_datetime(since) >= parsedate_to_datetime(modified)
    except (TypeError, ValueError, OverflowError):  # not a date, or one of the year 10¹²
        return False
