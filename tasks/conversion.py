"""Image files in another format: what each format can hold, and the conversion itself. Anyone may call it, off the event loop."""

from __future__ import annotations

import io
import threading
from pathlib import Path

from .embedded_parameters import read_parameters
from .headers import read_header
from .pictures import NotAnImage, upright

LONGEST_SIDE = {"WEBP": 16_383, "JPEG": 65_500}
"""Pixels of a side that a format holds; for JPEG those that libjpeg writes, 35 fewer than the format has room for."""
NAMES = {"WEBP": "WebP", "JPEG": "JPEG", "PNG": "PNG"}

_one_at_a_time = threading.Lock()
LARGE_BYTES = 2**20
"""A file from this size on is converted while no other such is: the largest take gigabytes as pixels."""


class CannotConvert(ValueError):
    """The image can't be given in that format; the message says why."""


def bound_problem(width: int, height: int, image_format: str) -> str | None:
    """Return what of a format is in the way of an image of this size, None when it can hold it."""
    most = LONGEST_SIDE.get(image_format)
    if most is None or max(width, height) <= most:
        return None
    return f"{width}x{height} pixels; {NAMES[image_format]} holds at most {most} on a side"


def check_convertible(path: Path, image_format: str) -> None:
    """Look at a file's header before anybody converts it.

    Raises:
        CannotConvert: that format can't hold it.
        FileNotFoundError: it has gone.
    """
    try:
        header = read_header(path)
    except FileNotFoundError:
        raise
    except Exception:  # the conversion says what is wrong with it
        return
    if problem := bound_problem(header.width, header.height, image_format):
        raise CannotConvert(f"the image has {problem}")


def converted(path: Path, image_format: str) -> bytes:
    """Return a file in another format with its parameters, upright, over white where that format has no transparency.

    Raises:
        CannotConvert: that format can't hold it, or the file is broken.
        FileNotFoundError: it has gone.
    """
    check_convertible(path, image_format)
    content = path.read_bytes()
    if len(content) < LARGE_BYTES:
        return _encoded(content, image_format)
    with _one_at_a_time:
        return _encoded(content, image_format)


def _encoded(content: bytes, image_format: str) -> bytes:
    parameters = read_parameters(content)
    buffer = io.BytesIO()
    try:
        picture = upright(content, transparent=image_format != "JPEG", max_pixels=None)
        picture.save(buffer, image_format, quality=95, **(parameters.save_options(image_format) if parameters else {}))
    except NotAnImage as error:
        raise CannotConvert(f"the image is {error}") from error
    except MemoryError as error:
        raise CannotConvert(f"the image is too large to be made a {NAMES[image_format]} on this machine") from error
    except (OSError, ValueError) as error:  # what the encoders refuse
        raise CannotConvert(f"the image can't be made a {NAMES[image_format]}: {error}") from error
    return buffer.getvalue()
