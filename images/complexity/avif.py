"""Detects AVIF files whose EXIF data were crafted to fill the memory."""

from __future__ import annotations

import importlib
from typing import Any

from .directories import exif_problem

_BRANDS = (b"avif", b"avis")
_MAX_BRANDS_END = 256


def is_avif(content: bytes) -> bool:
    """Return whether the start of a file is that of an AVIF."""
    return content[4:8] == b"ftyp" and any(brand in content[8:_MAX_BRANDS_END] for brand in _BRANDS)


def avif_problem(content: bytes) -> str | None:
    """Return the excess in an AVIF, or None.

    Its decoder returns the EXIF data as bytes, which may be put together from any places of the file; Pillow's plugin reads
    all directories in them when it opens the file.
    """
    try:
        found = _decoder(content).get_info()
    except Exception:  # no plugin, or a file that it can't open: the attempt to open it reports that
        return None
    blocks = (value for value in found if isinstance(value, bytes))
    problem = next(filter(None, (exif_problem(block, nested=True) for block in blocks)), None)
    return f"EXIF data with {problem}" if problem else None


def _decoder(content: bytes) -> Any:
    try:
        plugin: Any = importlib.import_module("pillow_avif.AvifImagePlugin")
    except Exception:  # not installed, or not for this machine; later versions of Pillow have their own
        plugin = importlib.import_module("PIL.AvifImagePlugin")
        return plugin._avif.AvifDecoder(content, plugin.DECODE_CODEC_CHOICE, 1)
    return plugin._avif.AvifDecoder(content, plugin.DECODE_CODEC_CHOICE, plugin.CHROMA_UPSAMPLING, 1)
