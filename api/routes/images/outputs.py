"""`GET /outputs/{date}/{file_name}`, in a cluster `/outputs/{node}/{date}/{file_name}`: generated images."""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....auth.keys import Scope
from ....images.references import ImageReference
from ....images.thumbnails.sizes import SIZES, Box
from ....images.views.sizes import MAX_SIDE, PATTERN, ViewSize
from ...context import ApiContext, Context
from ...images.output_files import find_output, is_gone
from ...requests.parameter_names import NamingRoute, check_given_once
from ...responses.images import (
    CACHE_IMMUTABLE,
    CACHE_REVALIDATE,
    CONDITIONS,
    IMAGES,
    image_gone,
    image_response,
    no_image,
)
from ...responses.problems import Problem, invalid_field, responses
from ...responses.renditions import (
    RENDITION_HEADERS,
    VIEW,
    attachment,
    extension_of,
    thumbnail_response,
    view_response,
)
from ...security.authorization import may_see_image, require_scope

_OF_THE_HOST = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{4}\.\w+", re.ASCII)
"""A name that Fooocus makes from the time and a random number. It is not used twice; a name made from a `save_name` can be."""


SIDE = f"The next larger of {', '.join(map(str, SIZES))} pixels is used, and no image is enlarged."

router = APIRouter(tags=["images"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ)])


@router.head("/outputs/{date}/{file_name}", include_in_schema=False)
@router.get(
    "/outputs/{date}/{file_name}",
    summary="Generated image",
    response_class=Response,
    responses={
        **IMAGES,
        200: {**IMAGES[200], "headers": {**IMAGES[200]["headers"], **RENDITION_HEADERS}},
        **responses(410, 422),
    },
    openapi_extra=CONDITIONS,
)
def get_output(
    context: ApiContext,
    request: Request,
    date: Annotated[str, PathParameter(description="The folder of a day, as in 2026-01-31.")],
    file_name: Annotated[str, PathParameter(description="The file name from a record's URL.")],
    width: Annotated[
        int | None, Query(ge=1, le=SIZES[-1], description=f"Return a thumbnail of this width. {SIDE}")
    ] = None,
    height: Annotated[
        int | None, Query(ge=1, le=SIZES[-1], description=f"Return a thumbnail of this height. {SIDE}")
    ] = None,
    size: Annotated[
        str | None,
        Query(
            description="Return the image at exactly this width and height, as in `512x512`: cut from its centre and "
            f"scaled, with its metadata. Each side is 1 to {MAX_SIDE} pixels. Not together with `width` or `height`.",
            json_schema_extra={"pattern": PATTERN},
        ),
    ] = None,
    download: Annotated[bool, Query(description="Have browsers save the image as a file, under its name.")] = False,
) -> Response:
    """Return the file, converted if `Accept` names exactly one supported image type and the file has another.

    With `width` or `height`, return a thumbnail without metadata: WebP if `Accept` names it, else JPEG, or PNG if the image has
    transparency. With both, it fits inside. A signed URL, as found in records, needs no key; these parameters may be added to it.
    With `size`, return a view, in the file's format unless `Accept` names another; it needs a key or a URL signed with this size.

    In a cluster the URLs of images have one part more, the name of the node: `/outputs/{node}/{date}/{file_name}`.
    """
    return _output(context, request, f"{date}/{file_name}", (width, height, size), download=download)


@router.head("/outputs/{node}/{date}/{file_name}", include_in_schema=False)
@router.get("/outputs/{node}/{date}/{file_name}", include_in_schema=False)
def get_output_of_node(
    context: ApiContext,
    request: Request,
    node: str,
    date: str,
    file_name: str,
    width: Annotated[int | None, Query(ge=1, le=SIZES[-1])] = None,
    height: Annotated[int | None, Query(ge=1, le=SIZES[-1])] = None,
    size: str | None = None,
    download: bool = False,
) -> Response:
    """Return an image of a cluster, whose URL has the name of its node. All else is as in `get_output`."""
    relative = f"{node}/{date}/{file_name}"
    if not context.places.is_name(relative):
        raise no_image(relative)
    return _output(context, request, relative, (width, height, size), download=download)


def _output(
    context: Context,
    request: Request,
    relative: str,
    wanted: tuple[int | None, int | None, str | None],
    *,
    download: bool,
) -> Response:
    """Return the image with this path in the form that the parameters `width`, `height` and `size` demand."""
    width, height, size = wanted
    try:
        path = find_output(context, PurePosixPath(relative))
    except Problem as problem:
        if is_gone(context, request, relative):
            raise image_gone(relative) from problem
        raise
    if not may_see_image(context, request)(str(ImageReference.output(relative))):
        raise no_image(relative)
    check_given_once(request, ("width", "height", VIEW, "download"))
    headers = CACHE_IMMUTABLE if _OF_THE_HOST.fullmatch(relative.rpartition("/")[2]) else CACHE_REVALIDATE
    if headers is CACHE_IMMUTABLE and relative.count("/") == 2:
        headers = {**headers, **_validator_of_all(path, relative)}
    box, view = Box.requested(width, height), None if size is None else _view_size(size)
    if view is not None:
        if box is not None:
            raise invalid_field(
                VIEW, FieldErrorCode.CONFLICT, "can't be combined with width or height; omit one of them"
            )
        return view_response(request, context.renditions, (path, relative), view, headers, download=download)
    if box is not None:
        return thumbnail_response(request, context.renditions, (path, relative), box, headers, download=download)
    if download:
        extension = extension_of(request, path)
        headers = {**headers, "Content-Disposition": attachment(f"{path.stem}{extension}")}
    return image_response(request, path, headers)


def _validator_of_all(path: Path, relative: str) -> dict[str, str]:
    """Return the ETag of a node's image, the same at every process: the times of their copies differ, its name is its own."""
    with contextlib.suppress(OSError):
        content = f"{relative} {path.stat().st_size}"
        return {"ETag": f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'}
    return {}


def _view_size(text: str) -> ViewSize:
    """Return the size in a `size` parameter.

    Raises:
        InvalidFields: it is malformed or outside the limits.
    """
    size = ViewSize.parse(text)
    if size is None:
        message = f"{shortened(text)!r} is not a size; write it as 512x768"
        raise invalid_field(VIEW, FieldErrorCode.INVALID_FORMAT, message)
    if not size.is_possible:
        message = f"{size} has a side that is not 1 to {MAX_SIDE} pixels"
        raise invalid_field(VIEW, FieldErrorCode.OUT_OF_RANGE, message)
    return size
