"""Reduces image files to a number of bytes. Any thread except the event loop's."""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image as PILImage

from .decoding import upright
from .file_headers import UnknownFormat, opened

SIDES = (2048, 1536, 1152, 896, 640, 448, 320, 224, 128, 64)
"""Pixels of the longer side that are tried, the largest first."""
QUALITIES = (90, 80, 70)
"""Qualities of JPEG that are tried for each size."""
USUAL_PIXELS = 4_000_000
"""Pixels of the largest image that is returned as it is, if it has few enough bytes."""


def fitted(content: bytes, max_bytes: int) -> tuple[bytes, str]:
    """Return an image file of at most `max_bytes`, or of 64 pixels if that is larger, and its media type.

    A file that is small enough is returned unchanged. Another one becomes a JPEG without metadata, as large as fits.

    Raises:
        NotAnImage: the file is broken.
    """
    if len(content) <= max_bytes and (media_type := _usual_type(io.BytesIO(content))) is not None:
        return content, media_type
    picture = upright(content, max_pixels=None)
    picture.info.clear()  # Pillow would embed it
    longest = max(picture.size)
    for side in (longest, *SIDES) if longest < SIDES[0] else SIDES:
        if side > longest:
            continue
        smaller = _scaled(picture, side)
        for quality in QUALITIES:
            reduced = _jpeg(smaller, quality)
            if len(reduced) <= max_bytes:
                return reduced, "image/jpeg"
    return reduced, "image/jpeg"


def _usual_type(file: BinaryIO) -> str | None:
    """Return the media type of an image of usual size in a format that the host writes, None for any other."""
    try:
        picture = opened(file)
    except UnknownFormat:
        return None
    return f"image/{str(picture.format).lower()}" if picture.width * picture.height <= USUAL_PIXELS else None


def _scaled(picture: PILImage.Image, side: int) -> PILImage.Image:
    if max(picture.size) <= side:
        return picture
    scale = side / max(picture.size)
    width, height = (max(round(one * scale), 1) for one in picture.size)
    return picture.resize((width, height), PILImage.Resampling.LANCZOS, reducing_gap=2.0)


def _jpeg(picture: PILImage.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
