"""Pictures from outside: checked, and read the way the host wants them. Anyone may call it, off the event loop."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image as PILImage

from .bombs import has_too_many_scans, problem_of

MAX_PIXELS = 64_000_000
STRIP_PIXELS = 2**20

_EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "WEBP": "webp"}  # MPO: a JPEG of a phone, with more behind it
_ORIENTATION = 0x0112
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
"""EXIF orientation → what makes the picture upright."""
_GREY_FACTORS = {"1": 255, "L;2": 85, "L;4": 17}
"""Raw mode of a PNG → what Pillow multiplies its grey values by."""


_at_once = threading.BoundedSemaphore(2)
"""How many pictures from outside are in memory as pixels: the largest take a gigabyte each while they are read."""


class NotAnImage(ValueError):
    """The content can't be used. The message goes on after "it is": `not a PNG, JPEG or WebP image`."""


def verify(content: bytes) -> str:
    """The extension for a file of this content: `png`, `jpg` or `webp`. Decodes all of it.

    Raises:
        NotAnImage: it is of no such kind, is broken, or has more than MAX_PIXELS.
    """
    with _at_once:
        return _EXTENSIONS[_decoded(content, MAX_PIXELS).format or ""]


def read_rgb(source: Path | bytes) -> NDArray[numpy.uint8]:
    """A PNG, JPEG or WebP of any mode as uint8 RGB of HxWx3: upright, over white, the first frame of an animation.

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
    """Width and height in pixels as `read_rgb` gives them. Reads the header alone.

    Raises:
        NotAnImage: see `verify`.
    """
    image = _opened(content, MAX_PIXELS)
    width, height = image.size
    return (height, width) if _orientation(image) in (5, 6, 7, 8) else (width, height)


def upright(content: bytes, *, transparent: bool = False, max_pixels: int | None = MAX_PIXELS) -> PILImage.Image:
    """The picture in mode RGB over white; or RGBA, if it may be `transparent` and is.

    Raises:
        NotAnImage: see `verify`.
    """
    image = _decoded(content, max_pixels)
    if "A" in image.getbands() or "transparency" in image.info:
        picture = _with_alpha(image)
        if not transparent:
            picture = _over_white(picture)
    else:
        picture = _eight_bit(image).convert("RGB")
    turn = _TURNS.get(_orientation(image))
    return picture if turn is None else picture.transpose(turn)


def _over_white(picture: PILImage.Image) -> PILImage.Image:
    over = PILImage.new("RGB", picture.size)
    for top, bottom in _strips(picture):
        strip = picture.crop((0, top, picture.width, bottom))
        white = PILImage.new("RGBA", strip.size, "white")
        over.paste(PILImage.alpha_composite(white, strip).convert("RGB"), (0, top))
    return over


def _strips(picture: PILImage.Image) -> Iterator[tuple[int, int]]:
    """First row and the row behind the last of each: what holds every other thread up is done to some rows at a time."""
    rows = max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        yield top, min(top + rows, picture.height)


def _decoded(content: bytes, max_pixels: int | None) -> PILImage.Image:
    image = _opened(content, max_pixels)
    _scale_colour_key(image)
    try:
        image.load()
    except Exception as error:  # Pillow raises whatever its decoders meet
        raise NotAnImage(f"a broken {_EXTENSIONS[image.format or '']} image: {error}") from error
    return image


def _opened(content: bytes, max_pixels: int | None) -> PILImage.Image:
    if problem := problem_of(content):
        raise NotAnImage(f"a broken image: it has {problem}")
    try:
        image = PILImage.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP"))
    except PILImage.DecompressionBombError as error:
        raise NotAnImage(_too_many("far too many")) from error
    except Exception as error:  # as above
        raise NotAnImage("not a PNG, JPEG or WebP image") from error
    width, height = image.size
    if max_pixels is not None and width * height > max_pixels:
        raise NotAnImage(_too_many(f"{width}x{height}"))
    if has_too_many_scans(content, width * height):
        raise NotAnImage("a broken image: it has too many scans")
    return image


def _too_many(pixels: str) -> str:
    return f"an image of {pixels} pixels; at most {MAX_PIXELS // 1_000_000} million are allowed"


def _orientation(image: PILImage.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a picture with a broken note beside it is still a picture
        return 1


def _scale_colour_key(image: PILImage.Image) -> None:
    """A PNG may name one value that is transparent: bring it to the scale of the pixels, which Pillow does not."""
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
    """16-bit grey scaled to 8 bits: Pillow itself would clip it, and make most of it white."""
    if not image.mode.startswith("I"):
        return image
    values = numpy.asarray(image).clip(0, 65535).astype(numpy.uint32)
    return PILImage.fromarray(((values + 128) // 257).astype(numpy.uint8), "L")
