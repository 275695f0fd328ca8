"""Thumbnails of generated images: small, upright, in sRGB, without any metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image as PILImage

from ..renditions.pictures import decoded, encoded
from ..renditions.renditions import EXTENSIONS
from ..renditions.source import Size, Source, prefix_of
from .sizes import Box

VERSION = 1
"""Part of each name; to be raised when thumbnails get other pixels."""
OPTIONS: dict[str, dict[str, Any]] = {
    "WEBP": {"quality": 80, "method": 4},
    "JPEG": {"quality": 82},
    "PNG": {},
}
"""Pillow's name of the format → the options of its encoder."""


@dataclass(frozen=True)
class Thumbnail:
    """A thumbnail to be made of an image, in `PNG`, `JPEG` or `WEBP`. Fulfils `Rendition`."""

    source: Source
    box: Box
    image_format: str

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.box.fit(self.source.size)

    @property
    def name(self) -> str:
        """The name of its file in the cache, which identifies its bytes."""
        sides = "x".join(map(str, self.size))
        extension = EXTENSIONS[self.image_format]
        return f"{prefix_of(self.source.relative)}{self.source.version}-{sides}-v{VERSION}.{extension}"

    def rendered(self, content: bytes) -> bytes:
        """Return the thumbnail's file. Off the event loop.

        Raises:
            NoRendition: the image is broken or too large.
        """
        with decoded(content, self.source, self.image_format) as picture:
            profile = picture.info.get("icc_profile")
            small = _reduced(picture, self.size)
            return encoded(small, profile, self.image_format, OPTIONS[self.image_format])


def _reduced(picture: PILImage.Image, size: Size) -> PILImage.Image:
    if size == picture.size:
        return picture
    return picture.resize(size, PILImage.Resampling.LANCZOS, reducing_gap=2.0)
