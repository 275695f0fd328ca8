"""Pictures that clients send, and those that come back."""

from __future__ import annotations

import base64
import io

from PIL import Image

SIZE = (320, 256)
HOLE = (96, 64, 192, 160)


def png(*, size: tuple[int, int] = SIZE, hole: bool = False, colour: str = "seagreen") -> bytes:
    """Return a PNG of one colour, with a transparent rectangle if `hole` is set."""
    image = Image.new("RGBA" if hole else "RGB", size, colour)
    if hole:
        image.paste((0, 0, 0, 0), HOLE)
    return encoded(image)


def black_and_white(*, size: tuple[int, int] = SIZE) -> bytes:
    """Return an opaque mask that is white in the rectangle of `png`."""
    image = Image.new("RGB", size, "black")
    image.paste("white", HOLE)
    return encoded(image)


def encoded(image: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def decoded(text: str | None) -> Image.Image:
    """Decode a picture from raw base64."""
    assert text is not None
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image
