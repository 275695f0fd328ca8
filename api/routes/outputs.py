"""`GET /outputs/{date}/{file_name}`: the images."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import FileResponse, Response

from ..context import Context
from ..errors import Problem, responses
from ..media import MEDIA_TYPES, accepted_format, converted, format_of

IMAGES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The image.", "content": {kind: {} for kind in MEDIA_TYPES.values()}}
}


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["images"])

    @routes.get(
        "/outputs/{date}/{file_name}",
        summary="One image",
        response_class=Response,
        responses={**IMAGES, **responses(401, 404)},
    )
    def get_output(date: str, file_name: str, accept: Annotated[str | None, Header()] = None) -> Response:
        """The file, converted when `Accept` names exactly one supported image type and it is another."""
        relative = Path(date, file_name)
        path = find_output(context, relative)
        wanted = accepted_format(accept)
        headers = {"Vary": "Accept", "X-Content-Type-Options": "nosniff"}
        if wanted is None or wanted == format_of(path):
            return FileResponse(path, media_type=_media_type(path), headers=headers)
        return Response(converted(path, wanted), media_type=MEDIA_TYPES[wanted], headers=headers)

    return routes


def find_output(context: Context, relative: Path) -> Path:
    """The image of that date and name.

    Raises:
        Problem: 404 when there is none in the outputs folder; nothing outside it and nothing but images is ever given.
    """
    for folder in context.output_folders():
        try:
            path = (folder / relative).resolve()
            inside = path.is_relative_to(folder.resolve()) and path.is_file()
        except (OSError, ValueError):  # a name that no file can have
            continue
        if inside and format_of(path) and not _hidden(relative):
            return path
    raise Problem(404, f"there is no image {relative.as_posix()}")


def image_bytes(context: Context, relative: Path, image_format: str) -> tuple[bytes, str]:
    """An image in that format, and its media type. Off the event loop."""
    path = find_output(context, relative)
    content = path.read_bytes() if format_of(path) == image_format else converted(path, image_format)
    return content, MEDIA_TYPES[image_format]


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _media_type(path: Path) -> str:
    return MEDIA_TYPES.get(format_of(path) or "", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
