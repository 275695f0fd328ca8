"""Finds the texts of an image file of any supported format."""

from __future__ import annotations

import io

from PIL import Image as PILImage

from ...codecs.input_formats import decoder_of
from ...complexity.checks import problem_of
from .carried import Carried, decoded
from .exif import add_exif
from .jpeg_and_webp import read_jpeg, read_webp
from .png import read_png

_READERS = {"PNG": read_png, "JPEG": read_jpeg, "WEBP": read_webp}


def texts_of(content: bytes) -> Carried:
    """Return the texts of an image file, of a broken one those before the damage. Decodes no pixels. Off the event loop.

    Raises:
        Unreadable: the format is not supported.
    """
    carried = Carried()
    decoder = decoder_of(content)
    read = _READERS.get(decoder)
    if read is not None:
        read(content, carried)
    elif problem_of(content) is None:
        _read_by_pillow(content, decoder, carried)
    return carried


def _read_by_pillow(content: bytes, decoder: str, carried: Carried) -> None:
    """Add what the header of a GIF, BMP, TIFF or AVIF file has."""
    try:
        with PILImage.open(io.BytesIO(content), formats=(decoder,)) as image:
            carried.set_size(image.size)
            exif, comment = image.info.get("exif"), image.info.get("comment")
    except Exception:  # Pillow's decoders raise any exception for a broken file
        return
    if decoder == "TIFF":
        add_exif(content, carried)
    if isinstance(exif, bytes):
        add_exif(exif, carried)
    if isinstance(comment, bytes) and carried.admits("comment", len(comment)):
        carried.add(decoder.lower(), "comment", decoded(comment), len(comment))
