"""Converts image files to other formats, within the limits of each. Any thread except the event loop's."""

from __future__ import annotations

import io
import threading
from pathlib import Path

from .decoding import NotAnImage, upright
from .embedded_parameters import read_parameters
from .file_headers import read_header

MAX_SIDE = {"WEBP": 16_383, "JPEG": 65_500}
"""Maximum pixels of a side; for JPEG the limit of libjpeg, 35 below that of the format."""
NAMES = {"WEBP": "WebP", "JPEG": "JPEG", "PNG": "PNG"}

_one_at_a_time = threading.Lock()
LARGE_BYTES = 2**20
"""Files of at least this size are converted one at a time, as the largest take gigabytes when decoded."""


class CannotConvert(ValueError):
    """The image can't be converted to that format; the message gives the reason."""


def bound_problem(width: int, height: int, image_format: str) -> str | None:
    """Return the limit of a format that an image of this size exceeds, None if it fits."""
    most = MAX_SIDE.get(image_format)
    if most is None or max(width, height) <= most:
        return None
    return f"{width}x{height} pixels ({NAMES[image_format]} allows at most {most} per side)"


def check_convertible(path: Path, image_format: str) -> None:
    """Check by a file's header that another format can hold the image.

    Raises:
        CannotConvert: the format can't hold the image.
        FileNotFoundError: the file was deleted.
    """
    try:
        header = read_header(path)
    except FileNotFoundError:
        raise
    except Exception:  # the conversion reports the error
        return
    if problem := bound_problem(header.width, header.height, image_format):
        raise CannotConvert(f"image has {problem}")


def converted(path: Path, image_format: str) -> bytes:
    """Return a file in another format with its parameters, upright, over white if the format has no transparency.

    Raises:
        CannotConvert: the format can't hold the image, or the file is broken.
        FileNotFoundError: the file was deleted.
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
        raise CannotConvert(f"image is {error}") from error
    except MemoryError as error:
        raise CannotConvert(f"image is too large to be converted to {NAMES[image_format]} on this machine") from error
    except (OSError, ValueError) as error:  # raised by the encoders
        raise CannotConvert(f"image can't be converted to {NAMES[image_format]}: {error}") from error
    return buffer.getvalue()
