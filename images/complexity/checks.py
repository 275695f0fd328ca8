"""Detects image files crafted to keep a decoder busy, from their bytes, before any decoder reads them."""

from __future__ import annotations

from .avif import avif_problem, is_avif
from .by_format import bmp_problem, gif_problem, tiff_problem
from .jpeg import jpeg_problem

MAX_PARTS = 20_000
"""Chunks of a PNG: each costs Pillow some time, and 50 MiB can hold millions. A file of that size from a usual program has some
6,000."""
MAX_SCANNED = 1_500_000_000
"""Pixels times scans of a progressive JPEG, which take a second. Usual are 10 scans, and 25 in a phone's file with previews."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_SCAN = b"\xff\xda"


def problem_of(content: bytes) -> str | None:
    """Return the excess in an image file, such as `too many chunks`, or None."""
    if content.startswith(_PNG):
        return "too many chunks" if _has_too_many_chunks(content) else None
    if content.startswith(_JPEG):
        return jpeg_problem(content)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return gif_problem(content)
    if content.startswith(b"BM"):
        return bmp_problem(content)
    if is_avif(content):
        return avif_problem(content)
    return tiff_problem(content) if content.startswith((b"II*\0", b"MM\0*")) else None


def has_too_many_scans(content: bytes, pixels: int) -> bool:
    """Return whether a JPEG has too many scans for its number of pixels."""
    return content.startswith(_JPEG) and content.count(_SCAN) * pixels > MAX_SCANNED


def _has_too_many_chunks(content: bytes) -> bool:
    at = len(_PNG)
    for _ in range(MAX_PARTS):
        at += 12 + int.from_bytes(content[at : at + 4], "big")
        if at >= len(content):
            return False
    return True
