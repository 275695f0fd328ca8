"""Views of generated images: cut to a ratio from the centre, scaled to a size, in the file's own or another format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image as PILImage

from ..renditions.pictures import decoded, encoded
from ..renditions.renditions import EXTENSIONS
from ..renditions.source import Size, Source, prefix_of
from .carried_metadata import save_options
from .sizes import MAX_SIDE, ViewSize, shown_part

VERSION = 1
"""Part of each name; to be raised when views get other pixels or metadata."""
DEFAULT_QUALITY = 95
_REDUCING_GAP = 3.0
"""Makes scaling a large image down fast, at a difference that can't be seen."""


@dataclass(frozen=True)
class View:
    """A view to be made of an image, in `PNG`, `JPEG` or `WEBP`. Fulfils `Rendition`.

    `size` is width and height, 1 to 4096 pixels each or those of the image; `quality` is 1 to 100, and has no effect on a PNG.
    Without one the image's file is the view if it has the size and the format.

    Raises:
        ValueError: the size or the quality is outside its limits.
    """

    source: Source
    size: Size
    image_format: str
    quality: int | None = None

    def __post_init__(self) -> None:
        if tuple(self.size) != self.source.size and not ViewSize(*self.size).is_possible:
            raise ValueError(f"size {ViewSize(*self.size)} has a side that is not 1 to {MAX_SIDE} pixels")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not 1 to 100")

    @property
    def is_the_file(self) -> bool:
        """Return whether the view is the image's own file, unchanged."""
        source, own_quality = self.source, self.quality is None or self.image_format == "PNG"
        is_same = (source.size, source.image_format) == (tuple(self.size), self.image_format)
        return is_same and source.is_upright and own_quality

    @property
    def name(self) -> str:
        """The name of its file in the cache, which identifies its bytes. The prefix is that of the image's thumbnails."""
        quality = "" if self.image_format == "PNG" else f"-q{self.quality or DEFAULT_QUALITY}"
        form = f"view-{ViewSize(*self.size)}{quality}-v{VERSION}.{EXTENSIONS[self.image_format]}"
        return f"{prefix_of(self.source.relative)}{self.source.version}-{form}"

    def rendered(self, content: bytes) -> bytes:
        """Return the view's file. Off the event loop.

        Raises:
            NoRendition: the image is broken or too large.
        """
        if self.is_the_file:
            return content
        with decoded(content, self.source, self.image_format) as picture:
            profile = picture.info.get("icc_profile")
            options: dict[str, Any] = {} if self.image_format == "PNG" else {"quality": self.quality or DEFAULT_QUALITY}
            options |= save_options(content, self.image_format, self.size)
            return encoded(_scaled(picture, self.size), profile, self.image_format, options)


def _scaled(picture: PILImage.Image, size: Size) -> PILImage.Image:
    part = shown_part(picture.size, size)
    left, top = int(part[0]), int(part[1])
    if part[2] - part[0] == size[0] and part[3] - part[1] == size[1]:
        return picture.crop((left, top, left + size[0], top + size[1]))
    return picture.resize(size, PILImage.Resampling.LANCZOS, part, _REDUCING_GAP)
