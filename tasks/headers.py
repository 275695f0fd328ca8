"""The size and format in an image file's header, whatever its size: of files that the host has written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from PIL import Image as PILImage
from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

SIGNATURE_BYTES = 16


class UnknownFormat(ValueError):
    """The file is of none of the formats that the host writes."""


@dataclass(frozen=True)
class Header:
    """The header of an image file; `format` is `png`, `jpeg` or `webp`."""

    width: int
    height: int
    format: str


def read_header(path: str | Path) -> Header:
    """Return what the header of an image file says. Decodes no pixel, so it takes no bound.

    Raises:
        OSError, UnknownFormat: it can't be read; Pillow's decoders may raise anything else.
    """
    with open(path, "rb") as file, opened(file) as picture:
        return Header(picture.width, picture.height, str(picture.format).lower())


def is_whole(path: str | Path) -> bool:
    """Return whether an image file can be decoded to its last row, whatever its size."""
    try:
        with open(path, "rb") as file, opened(file) as picture:
            picture.load()
    except Exception:  # Pillow raises whatever its decoders meet
        return False
    return True


def opened(file: IO[bytes]) -> PILImage.Image:
    """Return a picture of one of the host's own formats, not yet decoded.

    `Image.open` refuses what has more than 178,956,970 pixels, a bound for files from strangers; it is a global of Pillow's,
    and raising it would raise it for every thread. The decoders themselves have none.

    Raises:
        UnknownFormat: it is of none of these formats; Pillow's decoders may raise anything else.
    """
    start = file.read(SIGNATURE_BYTES)
    file.seek(0)
    decoders: tuple[tuple[bytes, Any], ...] = (
        (PngImagePlugin._MAGIC, PngImagePlugin.PngImageFile),
        (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
        (b"RIFF", WebPImagePlugin.WebPImageFile),
    )
    for signature, decoder in decoders:
        if start.startswith(signature):
            picture: PILImage.Image = decoder(file)
            return picture
    raise UnknownFormat("it is no PNG, JPEG or WebP file")
