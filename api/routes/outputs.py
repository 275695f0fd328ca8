"""`GET /outputs/{date}/{file_name}`: the images."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response

from ...files.paths import is_file_name, is_hidden
from ...files.replacing import SHORT_PAUSES_SECONDS, retried
from ...tasks.conversion import converted
from ...tasks.keys import Scope
from ...tasks.servable import regular_file, resolved
from ..access import may_see_image, needs
from ..context import Context
from ..errors import Problem
from ..media import ASK_AGAIN, CONDITIONS, FOREVER, IMAGES, MEDIA_TYPES, format_of, image_response
from ..names import NamingRoute

_OF_THE_HOST = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{4}\.\w+", re.ASCII)
"""A name that Fooocus made, of the time and a random number: it does not come twice. One made of a `save_name` can."""


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["images"], route_class=NamingRoute, dependencies=[needs(Scope.READ)])

    @routes.head("/outputs/{date}/{file_name}", include_in_schema=False)
    @routes.get(
        "/outputs/{date}/{file_name}",
        summary="One image",
        response_class=Response,
        responses=IMAGES,
        openapi_extra=CONDITIONS,
    )
    def get_output(
        request: Request,
        date: Annotated[str, PathParameter(description="The folder of a day, like 2026-01-31.")],
        file_name: Annotated[str, PathParameter(description="As records give it.")],
    ) -> Response:
        """The file, converted when `Accept` names exactly one supported image type and it is another.

        A signed URL, as records give it, needs no key.
        """
        path = find_output(context, PurePosixPath(date, file_name))
        if not may_see_image(context, request)(f"outputs/{date}/{file_name}"):
            raise no_image(f"{date}/{file_name}")
        caching = FOREVER if _OF_THE_HOST.fullmatch(file_name) else ASK_AGAIN
        return image_response(request, path, caching)

    return routes


def find_output(context: Context, relative: PurePosixPath) -> Path:
    """The image of that date and name.

    Raises:
        Problem: 404 when there is none in the outputs folder; nothing outside it and nothing but images is ever given.
    """
    path = output_file(context.output_folders(), relative)
    if path is None or (context.service is not None and context.service.removal.is_left(path)):
        raise no_image(relative.as_posix())
    return path


def no_image(name: str) -> Problem:
    """404: there is none, or none that they may see; nobody learns which."""
    return Problem(404, f"there is no image {name}")


def output_file(folders: list[Path], relative: PurePosixPath) -> Path | None:
    """Return the image of that date and name, None when there is none in these folders.

    A name that leads elsewhere is not even looked at: on Windows that asks another machine, and says who asks.
    """
    if not all(is_file_name(part) for part in relative.parts):
        return None
    for folder in folders:
        path = regular_file(folder.joinpath(*relative.parts), [folder])
        room = resolved(folder)
        if path is not None and room is not None and format_of(path) and not is_hidden(path, room):
            return path
    return None


def read_output(context: Context) -> Callable[[str], bytes]:
    """Return a function that gives the content of an image by its path; FileNotFoundError when it is gone, OSError when it
    can't be read now. A scanner that looks at a fresh file for a moment is waited for."""

    def read(path: str) -> bytes:
        found = output_file(context.output_folders(), PurePosixPath(path))
        if found is None:
            raise FileNotFoundError(path)
        return retried(found.read_bytes, SHORT_PAUSES_SECONDS)

    return read


def image_bytes(context: Context, relative: PurePosixPath, image_format: str) -> tuple[bytes, str]:
    """Return an image in that format, and its media type. Off the event loop.

    Raises:
        CannotConvert: that format can't hold it.
        OSError: it can't be read now. A scanner that looks at a fresh file for a moment is waited for.
    """
    path = find_output(context, relative)
    as_it_is = format_of(path) == image_format
    content = retried(path.read_bytes if as_it_is else lambda: converted(path, image_format), SHORT_PAUSES_SECONDS)
    return content, MEDIA_TYPES[image_format]
