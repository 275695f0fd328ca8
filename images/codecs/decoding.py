"""Checks pictures from clients and decodes them for the host. Any thread except the event loop's."""

from __future__ import annotations

import io
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image as PILImage

from ..complexity.checks import has_too_many_scans, problem_of
from .exif_tags import LATE, orientation
from .file_headers import opened
from .input_formats import OWN, Unreadable, decoder_of

MAX_PIXELS = 64_000_000
STRIP_PIXELS = 2**20

_KEPT_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Modes that a PNG holds without loss."""
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_Turn = PILImage.Transpose
_TURNS = {
    2: _Turn.FLIP_LEFT_RIGHT,
    3: _Turn.ROTATE_180,
    4: _Turn.FLIP_TOP_BOTTOM,
    5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE,
    8: _Turn.ROTATE_90,
}
"""EXIF orientation → the transposition that makes the picture upright."""
_GREY_FACTORS = {"1": 255, "L;2": 85, "L;4": 17}
"""Raw mode of a PNG → the factor by which Pillow multiplies its grey values."""


_at_once = threading.BoundedSemaphore(2)
"""Limits the pictures that are decoded at once: the largest take a gigabyte each."""


class NotAnImage(ValueError):
    """The content can't be used. The message completes "it is": `not a PNG, JPEG, WebP … image`."""


def verify(content: bytes) -> None:
    """Decode the whole image.

    Raises:
        NotAnImage: the format is not supported, the image is broken, or it has more than MAX_PIXELS.
    """
    with _at_once:
        _decoded(content, MAX_PIXELS)


def as_kept(content: bytes) -> tuple[bytes, str]:
    """Return an image in the form of stored inputs, and its file extension: `png`, `jpg` or `webp`. Decodes the whole image.

    These formats are unchanged. Others become a PNG of their first frame or page, so that every browser shows it and no other
    decoder has to read it again. Transparency is preserved.

    Raises:
        NotAnImage: see `verify`.
    """
    with _at_once:
        image = _decoded(content, MAX_PIXELS)
        extension = OWN.get(image.format or "")
        if extension is not None:
            return content, extension
        with _readable(image):
            picture = image if image.mode in _KEPT_MODES else _as_rgb(image, transparent=True)
            buffer = io.BytesIO()
            _turned(picture, image).save(buffer, "PNG", compress_level=3)
            return buffer.getvalue(), "png"


def read_rgb(source: Path | bytes) -> NDArray[numpy.uint8]:
    """Return an image of any supported format and mode as uint8 RGB of HxWx3: upright, over white, an animation's first frame.

    Raises:
        NotAnImage: see `verify`.
        OSError: the file can't be read.
    """
    content = source if isinstance(source, bytes) else source.read_bytes()
    with _at_once:
        picture = upright(content)
        array = numpy.empty((picture.height, picture.width, 3), numpy.uint8)
        for top, bottom in _strips(picture):
            array[top:bottom] = numpy.asarray(picture.crop((0, top, picture.width, bottom)))
    return array


def upright_size(content: bytes) -> tuple[int, int]:
    """Return the width and height in pixels of `read_rgb`'s result. Reads the header only, unless a PNG may have an orientation
    after its pixels.

    Raises:
        NotAnImage: see `verify`.
    """
    with _at_once:
        image = _opened(content, MAX_PIXELS)
        begin = content.find(b"IDAT")
        if image.format == "PNG" and any(content.find(name, begin) >= 0 for name in LATE):
            with suppress(Exception):  # decoding it reports that it is broken
                image.load()
        width, height = image.size
        return (height, width) if orientation(image) in (5, 6, 7, 8) else (width, height)


def upright(content: bytes, *, transparent: bool = False, max_pixels: int | None = MAX_PIXELS) -> PILImage.Image:
    """Decode a picture to mode RGB over white, or to RGBA if `transparent` is set and the picture has transparency.

    Raises:
        NotAnImage: see `verify`.
    """
    image = _decoded(content, max_pixels)
    with _readable(image):
        return _turned(_as_rgb(image, transparent=transparent), image)


def read_alpha(content: bytes) -> NDArray[numpy.uint8] | None:
    """Return the alpha of an upright image as uint8 of HxW, 255 where it is opaque; None if it has no transparency.

    Raises:
        NotAnImage: see `verify`.
    """
    with _at_once:
        picture = upright(content, transparent=True)
        if picture.mode != "RGBA":
            return None
        array = numpy.empty((picture.height, picture.width), numpy.uint8)
        for top, bottom in _strips(picture):
            array[top:bottom] = numpy.asarray(picture.crop((0, top, picture.width, bottom)).getchannel("A"))
    return array


def mask_rgb(source: Path | bytes) -> NDArray[numpy.uint8]:
    """Return a mask like Gradio's own preprocessing of the WebUI's upload: upright, and RGB without its alpha.

    The colour under transparent pixels counts. Canvases and painting programs leave it black where nothing was painted.

    Raises:
        NotAnImage: see `verify`.
        OSError: the file can't be read.
    """
    content = source if isinstance(source, bytes) else source.read_bytes()
    with _at_once:
        image = _decoded(content, MAX_PIXELS, scale_colour_key=False)
        with _readable(image), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow recommends RGBA for a palette with transparency
            image = _turned(image, image)
            array = numpy.empty((image.height, image.width, 3), numpy.uint8)
            for top, bottom in _strips(image):
                array[top:bottom] = numpy.asarray(image.crop((0, top, image.width, bottom)).convert("RGB"))
    return array


@contextmanager
def _readable(image: PILImage.Image) -> Iterator[None]:
    """Turn Pillow's errors about the colours of a decoded picture into NotAnImage."""
    try:
        yield
    except (ValueError, OSError, KeyError) as error:
        raise NotAnImage(f"an image whose colours ({image.mode}) can't be read: {error}") from error


def _as_rgb(image: PILImage.Image, *, transparent: bool) -> PILImage.Image:
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        picture = _with_alpha(image)
        return picture if transparent else _over_white(picture)
    picture = _eight_bit(image)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _turned(picture: PILImage.Image, original: PILImage.Image) -> PILImage.Image:
    """Return the picture upright, by the EXIF orientation of the original."""
    turn = _TURNS.get(orientation(original))
    return picture if turn is None else picture.transpose(turn)


def _over_white(picture: PILImage.Image) -> PILImage.Image:
    over = PILImage.new("RGB", picture.size)
    for top, bottom in _strips(picture):
        strip = picture.crop((0, top, picture.width, bottom))
        white = PILImage.new("RGBA", strip.size, "white")
        over.paste(PILImage.alpha_composite(white, strip).convert("RGB"), (0, top))
    return over


def _strips(picture: PILImage.Image) -> Iterator[tuple[int, int]]:
    """Yield each strip's first row and the row after its last. Operations that hold the GIL process one strip at a time."""
    rows = max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        yield top, min(top + rows, picture.height)


def _decoded(content: bytes, max_pixels: int | None, *, scale_colour_key: bool = True) -> PILImage.Image:
    image = _opened(content, max_pixels)
    if scale_colour_key:
        _scale_colour_key(image)
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise any exception
        raise NotAnImage(f"a broken {_name(image.format)} image: {error}") from error
    if image.width * image.height <= (max_pixels or sys.maxsize):
        return image
    raise NotAnImage(_too_many(f"{image.width}x{image.height}"))  # some decoders learn the size only while decoding


def _opened(content: bytes, max_pixels: int | None) -> PILImage.Image:
    """Return a picture that is not yet decoded. Pass no limit for the host's own files, which may have any size."""
    if problem := problem_of(content):
        raise NotAnImage(f"a broken image: it has {problem}")
    try:
        decoder = decoder_of(content)
    except Unreadable as error:
        raise NotAnImage(str(error)) from error
    try:
        if max_pixels is None and decoder in OWN:
            image = opened(io.BytesIO(content))
        else:
            image = PILImage.open(io.BytesIO(content), formats=(decoder,))
    except PILImage.DecompressionBombError as error:
        raise NotAnImage(_too_many("far too many")) from error
    except Exception as error:  # as above
        raise NotAnImage(f"a broken {_name(decoder)} image") from error
    width, height = image.size
    if max_pixels is not None and width * height > max_pixels:
        raise NotAnImage(_too_many(f"{width}x{height}"))
    if has_too_many_scans(content, width * height):
        raise NotAnImage("a broken image: it has too many scans")
    return image


def _name(decoder: str | None) -> str:
    return OWN.get(decoder or "", (decoder or "").lower())


def _too_many(pixels: str) -> str:
    return f"an image of {pixels} pixels; at most {MAX_PIXELS // 1_000_000} million are allowed"


def _scale_colour_key(image: PILImage.Image) -> None:
    """Scale the colour that a PNG defines as transparent to the scale of the pixels, which Pillow omits."""
    key = image.info.get("transparency")
    tile = getattr(image, "tile", None)
    raw_mode = tile[0][3] if tile else None
    if isinstance(key, int) and raw_mode in _GREY_FACTORS:
        image.info["transparency"] = key * _GREY_FACTORS[raw_mode]
    elif isinstance(key, tuple) and raw_mode == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in key)


def _with_alpha(image: PILImage.Image) -> PILImage.Image:
    key = image.info.get("transparency")
    if not (image.mode.startswith("I") and isinstance(key, int)):
        return image.convert("RGBA")
    alpha = PILImage.fromarray(numpy.where(numpy.asarray(image) == key, 0, 255).astype(numpy.uint8), "L")
    return PILImage.merge("LA", (_eight_bit(image), alpha)).convert("RGBA")


def _eight_bit(image: PILImage.Image) -> PILImage.Image:
    """Scale 16-bit grey to 8 bits; Pillow itself would clip it, which makes most of it white."""
    if not image.mode.startswith("I"):
        return image
    values = numpy.asarray(image).clip(0, 65535).astype(numpy.uint32)
    return PILImage.fromarray(((values + 128) // 257).astype(numpy.uint8), "L")
