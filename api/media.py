"""Image types on the wire: what an Accept header asks for, and conversion of a file to it."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image as PILImage

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/jpg": "JPEG", "image/webp": "WEBP"}
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def accepted_format(accept: str | None) -> str | None:
    """The image format that an Accept header asks for, if it names exactly one that we know and nothing wider.

    A browser's `<img>` names several and wildcards beside them: it takes what there is, so nothing is converted.
    """
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",") if part.strip()]
    images = {FORMATS[kind] for kind in kinds if kind in FORMATS}
    return images.pop() if len(images) == 1 and all(kind in FORMATS for kind in kinds) else None


def format_of(path: Path) -> str | None:
    """The format a file name stands for."""
    return SUFFIXES.get(path.suffix.lower())


def converted(path: Path, image_format: str) -> bytes:
    """A file in another format, of the same size, over white where that format has no transparency. Off the event loop."""
    buffer = io.BytesIO()
    with PILImage.open(path) as image:
        picture: PILImage.Image = image
        if image_format == "JPEG" and image.mode in ("RGBA", "LA", "P"):
            picture = PILImage.new("RGB", image.size, "white")
            rgba = image.convert("RGBA")
            picture.paste(rgba, mask=rgba)
        elif image.mode not in ("RGB", "RGBA", "L"):
            picture = image.convert("RGB")
        picture.save(buffer, image_format, quality=95)
    return buffer.getvalue()
