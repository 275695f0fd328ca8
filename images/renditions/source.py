"""Image files of which renditions are made, and the beginning of the names of an image's renditions."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..codecs.exif_tags import orientation
from ..codecs.file_headers import opened

Size = tuple[int, int]
"""Width and height in pixels."""
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_SWAPPED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


class NoRendition(ValueError):
    """The image can't have that rendition; the message gives the reason."""


@dataclass(frozen=True)
class Source:
    """An image file as its header describes it. `relative` is its path in the outputs folder, with forward slashes."""

    path: Path
    relative: str
    size: Size
    """Width and height of the upright image."""
    has_alpha: bool
    version: str
    """Differs for each content of the file."""
    modified: float = 0.0
    """The time of the last change, in seconds since 1970."""
    image_format: str = "PNG"
    """`PNG`, `JPEG` or `WEBP`."""
    is_upright: bool = True
    """Set if the file needs no turn to be upright."""

    @classmethod
    def read(cls, path: Path, relative: str) -> Source:
        """Read an image's header.

        Raises:
            NoRendition: the file is broken.
            OSError: the file can't be read.
        """
        status = path.stat()
        try:
            with open(path, "rb") as file, opened(file) as picture:
                size, image_format, turn = picture.size, str(picture.format), orientation(picture)
                has_alpha = picture.mode in _WITH_ALPHA or "transparency" in picture.info
        except OSError as error:
            if error.errno is not None:
                raise
            raise NoRendition(f"image is broken: {error}") from error  # an error of Pillow's own
        except Exception as error:  # Pillow's decoders raise any exception
            raise NoRendition(f"image is broken: {error}") from error
        size = (size[1], size[0]) if turn in _SWAPPED else size
        version = f"{status.st_mtime_ns:x}-{status.st_size:x}"
        return cls(path, relative, size, has_alpha, version, status.st_mtime, image_format, is_upright=turn == 1)

    @property
    def pixels(self) -> int:
        """The number of pixels in the file's header."""
        return self.size[0] * self.size[1]


def prefix_of(relative: str) -> str:
    """Return the beginning of the names of an image's renditions. Windows ignores the case of paths."""
    path = os.path.normcase(relative).encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(path).hexdigest()[:32]}-"
