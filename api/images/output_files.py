"""Files of generated images, found and read by the names in records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fastapi import Request

from ...files.paths import is_file_name
from ...files.replacing import SHORT_PAUSES_S, retried
from ...images.codecs.conversion import converted
from ...images.file_kinds import format_of
from ...images.references import ImageReference
from ..context import Context
from ..responses.images import MEDIA_TYPES, no_image, not_readable
from ..security.authorization import may_see_image


def is_gone(context: Context, request: Request, relative: str) -> bool:
    """Return whether a record that the client may see lists an image, of which there is no file."""
    if context.task_services is None or not all(map(is_file_name, relative.split("/"))):
        return False
    if not context.services.ownership.is_recorded(relative):
        return False
    return may_see_image(context, request)(str(ImageReference.output(relative)))


def find_output(context: Context, relative: PurePosixPath) -> Path:
    """Return the path of the image with that date and name.

    Raises:
        Problem: 404 if there is none in the outputs folder, 503 if another node's can't be fetched now. Files outside it and
            files that are not images are never returned.
    """
    try:
        path = context.places.find(relative.as_posix())
    except OSError as error:
        raise not_readable(relative.name, error) from error
    if path is None or (context.task_services is not None and context.task_services.retention.is_left(path)):
        raise no_image(relative.as_posix())
    return path


def read_output(context: Context) -> Callable[[str], bytes]:
    """Return a function that reads an image by its path. It raises FileNotFoundError if the image is gone, OSError if it can't be
    read now. It retries briefly, as a virus scanner may hold a fresh file."""

    def read(path: str) -> bytes:
        found = context.places.find(path)
        if found is None:
            raise FileNotFoundError(path)
        return retried(found.read_bytes, SHORT_PAUSES_S)

    return read


def image_bytes(context: Context, relative: PurePosixPath, image_format: str) -> tuple[bytes, str]:
    """Return an image in that format, and its media type. Off the event loop.

    Raises:
        CannotConvert: that format can't hold the image.
        OSError: the image can't be read now, even after brief retries, as a virus scanner may hold a fresh file.
    """
    path = find_output(context, relative)
    as_it_is = format_of(path) == image_format
    content = retried(path.read_bytes if as_it_is else lambda: converted(path, image_format), SHORT_PAUSES_S)
    return content, MEDIA_TYPES[image_format]
