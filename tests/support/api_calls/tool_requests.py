"""Paths of the tools, and a picture to send to them."""

from __future__ import annotations

import base64
import io

from PIL import Image as PILImage
from PIL import ImageDraw

DESCRIBE = "/v1/tools/describe-image"
MASK = "/v1/tools/generate_mask"
EXPAND = "/v1/tools/expand-prompt"


def picture(mode: str = "RGB", size: tuple[int, int] = (240, 160)) -> bytes:
    """Return a PNG of a red disc on pale blue."""
    image = PILImage.new("RGB", size, (160, 200, 235))
    width, height = size
    ImageDraw.Draw(image).ellipse((width / 3, height / 4, width / 1.5, height / 1.4), fill=(200, 40, 40))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
