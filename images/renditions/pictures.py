"""Decodes the images of which renditions are made, and reports what Pillow can't do. Any thread except the event loop's."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from PIL import Image as PILImage
from PIL import ImageCms

from ..codecs.decoding import NotAnImage, upright
from .source import NoRendition, Source

MAX_PIXELS = 256_000_000
"""Pixels of the largest image that gets a rendition: it takes a gigabyte while it is decoded."""
LARGE_PIXELS = 16_000_000
"""Images with more pixels are decoded one at a time."""
MAX_PROFILE_BYTES = 2**20

_large_ones = threading.Lock()


@contextmanager
def decoded(content: bytes, source: Source, image_format: str) -> Iterator[PILImage.Image]:
    """Yield an image upright: an animation's first frame, over white if the rendition's format has no transparency.

    While it is used, no other large one is decoded.

    Raises:
        NoRendition: the image is broken or too large; also for errors of Pillow in the body of the `with`.
    """
    if source.pixels > MAX_PIXELS:
        reason = f"image has {source.pixels} pixels; renditions are made of at most {MAX_PIXELS // 10**6} million"
        raise NoRendition(reason)
    try:
        with _large_ones if source.pixels > LARGE_PIXELS else nullcontext():
            yield upright(content, transparent=image_format != "JPEG", max_pixels=None)
    except NotAnImage as error:
        raise NoRendition(f"image is {error}") from error
    except MemoryError as error:
        raise NoRendition("image is too large to be decoded on this machine") from error
    except (OSError, ValueError) as error:  # raised by the encoders
        raise NoRendition(f"image can't be encoded: {error}") from error


def encoded(picture: PILImage.Image, profile: Any, image_format: str, options: dict[str, Any]) -> bytes:
    """Return a file of the picture in sRGB, with the texts in `options` alone.

    Args:
        profile: the `icc_profile` of the original, None without one.
        options: those of Pillow's encoder.
    """
    buffer = io.BytesIO()
    _bare(_in_srgb(picture, profile)).save(buffer, image_format, **options)
    return buffer.getvalue()


def _in_srgb(picture: PILImage.Image, profile: Any) -> PILImage.Image:
    """Return the picture in sRGB. One whose colour profile can't be used stays as it is."""
    if not isinstance(profile, bytes) or not 0 < len(profile) <= MAX_PROFILE_BYTES:
        return picture
    with suppress(Exception):  # a broken profile does not make the picture unusable
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() == "RGB":
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"))
            return picture if converted is None else converted
    return picture


def _bare(picture: PILImage.Image) -> PILImage.Image:
    """Return a copy without text, EXIF, XMP and profile, which Pillow's encoders take from the original."""
    copy = PILImage.new(picture.mode, picture.size)
    copy.paste(picture)
    return copy
