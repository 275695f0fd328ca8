"""Reads the headers of image files that the host has written, without a limit on their size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from PIL import Image as PILImage
from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

SIGNATURE_BYTES = 16


class UnknownFormat(ValueError):
    """The file's format is not one that the host writes."""


@dataclass(frozen=True)
class Header:
    """The header of an image file; `format` is `png`, `jpeg` or `webp`."""

    width: int
    height: int
    format: str


def read_header(path: str | Path) -> Header:
    """Return the size and format in an image file's header. It decodes no pixels, so it needs no size limit.

    Raises:
        OSError, UnknownFormat: the file can't be read; Pillow's decoders may raise any other exception.
    """
    with open(path, "rb") as file, opened(file) as picture:
        return Header(picture.width, picture.height, str(picture.format).lower())


def is_whole(path: str | Path) -> bool:
    """Return whether an image file of any size can be decoded to its last row."""
    try:
        with open(path, "rb") as file, opened(file) as picture:
            picture.load()
    except Exception:  # Pillow's decoders raise any exception
        return False
    return True


def opened(file: IO[bytes]) -> PILImage.Image:
    """Return a picture of one of the host's own formats, not yet decoded.

    `Image.open` rejects images of more than 178,956,970 pixels, a limit for untrusted files. It is a global of Pillow, so a
    higher limit would apply to every thread. The decoders themselves have no limit.

    Raises:
        UnknownFormat: the file has none of these formats; Pillow's decoders may raise any other exception.
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
    raise UnknownFormat("it is not a PNG, JPEG or WebP file")
