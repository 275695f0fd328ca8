"""What is known of an image that came out. Called by the service."""

from __future__ import annotations

from typing import Any

from PIL import Image as PILImage

from .task import Image


def describe(path: str, relative: str, metadata: dict[str, Any], *, kept: bool = True) -> Image:
    """An image file's record: its size and format from its header, its seed from what the host logged."""
    seed = str(metadata.get("seed", ""))
    try:
        with PILImage.open(path) as picture:
            width, height, image_format = picture.width, picture.height, (picture.format or "").lower() or None
    except OSError:
        width = height = image_format = None
    return Image(relative, metadata, int(seed) if seed.isdigit() else None, width, height, image_format, kept)
