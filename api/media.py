"""Image types on the wire: what an Accept header asks for, and a file as the response to it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from fastapi.responses import FileResponse, Response

from ..tasks.pictures import upright

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/jpg": "JPEG", "image/webp": "WEBP"}
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

IMAGES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The image.", "content": {kind: {} for kind in MEDIA_TYPES.values()}}
}
"""The `responses` of a route that gives an image."""


def accepted_format(accept: str | None) -> str | None:
    """The image format that an Accept header asks for, if it names exactly one that we know and nothing wider.

    A browser's `<img>` names several and wildcards beside them: it takes what there is, so nothing is converted.
    """
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",") if part.strip()]
    images = {FORMATS[kind] for kind in kinds if kind in FORMATS}
    return images.pop() if len(images) == 1 and all(kind in FORMATS for kind in kinds) else None


def format_of(path: Path) -> str | None:
    """The format a file name stands for."""
    return SUFFIXES.get(path.suffix.lower())


def converted(path: Path, image_format: str) -> bytes:
    """A file in another format, upright, over white where that format has no transparency. Off the event loop."""
    buffer = io.BytesIO()
    picture = upright(path.read_bytes(), transparent=image_format != "JPEG", max_pixels=None)
    picture.save(buffer, image_format, quality=95)
    return buffer.getvalue()


def image_response(path: Path, accept: str | None, headers: dict[str, str] | None = None) -> Response:
    """An image file, converted when `accept` names exactly one supported type and it is another. Off the event loop."""
    headers = {"Vary": "Accept", "X-Content-Type-Options": "nosniff", **(headers or {})}
    image_format = format_of(path)
    wanted = accepted_format(accept) or image_format
    if wanted is None or wanted == image_format:
        return FileResponse(path, media_type=MEDIA_TYPES.get(image_format or ""), headers=headers)
    return Response(converted(path, wanted), media_type=MEDIA_TYPES[wanted], headers=headers)
