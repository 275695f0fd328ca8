"""Renders thumbnails: upright, in sRGB, without any metadata. Any thread except the event loop's."""

from __future__ import annotations

import io
import threading
from contextlib import nullcontext, suppress
from typing import Any

from PIL import Image as PILImage
from PIL import ImageCms

from ..codecs.decoding import NotAnImage, upright
from .sizes import Box

MAX_PIXELS = 256_000_000
"""Pixels of the largest image that gets a thumbnail: it takes a gigabyte while it is decoded."""
LARGE_PIXELS = 16_000_000
"""Images with more pixels are decoded one at a time."""
MAX_PROFILE_BYTES = 2**20
OPTIONS: dict[str, dict[str, Any]] = {
    "WEBP": {"quality": 80, "method": 4},
    "JPEG": {"quality": 82},
    "PNG": {},
}
"""Pillow's name of the format → the options of its encoder."""

_large_ones = threading.Lock()


class NoThumbnail(ValueError):
    """The image can't have a thumbnail; the message gives the reason."""


def rendered(content: bytes, pixels: int, box: Box, image_format: str) -> bytes:
    """Return a thumbnail of an image file: an animation's first frame, over white if the format has no transparency.

    Args:
        content: the image file.
        pixels: the pixels in the file's header.
        image_format: `PNG`, `JPEG` or `WEBP`.

    Raises:
        NoThumbnail: the image is broken or too large.
    """
    if pixels > MAX_PIXELS:
        raise NoThumbnail(f"image has {pixels} pixels; thumbnails are made of at most {MAX_PIXELS // 10**6} million")
    try:
        with _large_ones if pixels > LARGE_PIXELS else nullcontext():
            picture = upright(content, transparent=image_format != "JPEG", max_pixels=None)
            small = _reduced(picture, box)
        buffer = io.BytesIO()
        _bare(_in_srgb(small, picture.info.get("icc_profile"))).save(buffer, image_format, **OPTIONS[image_format])
    except NotAnImage as error:
        raise NoThumbnail(f"image is {error}") from error
    except MemoryError as error:
        raise NoThumbnail("image is too large to be decoded on this machine") from error
    except (OSError, ValueError) as error:  # raised by the encoders
        raise NoThumbnail(f"image can't be encoded: {error}") from error
    return buffer.getvalue()


def _reduced(picture: PILImage.Image, box: Box) -> PILImage.Image:
    size = box.fit(picture.size)
    if size == picture.size:
        return picture
    return picture.resize(size, PILImage.Resampling.LANCZOS, reducing_gap=2.0)


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
