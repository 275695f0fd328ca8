"""Formats of image files that clients may send, detected by signature, and the errors for those that can't be read."""

from __future__ import annotations

import importlib
from functools import cache

ANY = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
"""List of the formats for error texts and descriptions."""
OWN = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "WEBP": "webp"}  # MPO: a phone's JPEG with further images after it
"""Pillow's name of each format that is stored unchanged, as every browser shows it → the file's extension. All others are stored
as PNG."""
MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/avif")
"""Media types of the formats, for forms and Accept headers."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_AVIF = (b"avif", b"avis")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_MAX_BOX_LENGTH = 256


class Unreadable(ValueError):
    """The file can't be read here. The message completes "it is"."""


def decoder_of(content: bytes) -> str:
    """Return Pillow's name of the one decoder for this content.

    Raises:
        Unreadable: the format is not supported; the message contains a remedy if there is one.
    """
    for signature, decoder in _SIGNATURES:
        if content.startswith(signature):
            return decoder
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(content)
    if any(brand in _AVIF for brand in brands):
        if not reads_avif():
            raise Unreadable(
                "an AVIF image, and pillow-avif-plugin is not installed; run install.py again, or send a PNG"
            )
        return "AVIF"
    if any(brand in _HEIC for brand in brands):
        raise Unreadable(
            "a HEIC image, for which Fooocus's Pillow has no decoder; send it as JPEG or PNG "
            "(iPhone: Settings, Camera, Formats, Most Compatible)"
        )
    raise Unreadable(f"not a {ANY} image")


@cache
def reads_avif() -> bool:
    """Return whether Pillow, or the plugin installed with the extension, has a decoder for AVIF."""
    from PIL import features

    try:
        importlib.import_module("pillow_avif")  # the import registers the decoder with Pillow
    except Exception:  # not installed, or not for this machine
        return "avif" in features.modules and bool(features.check_module("avif"))
    return True


def _brands(content: bytes) -> list[bytes]:
    """Return the brands of a file in the ISO base media format, its major brand first."""
    if content[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(content[:4], "big"), _MAX_BOX_LENGTH, len(content))
    return [content[8:12], *(content[at : at + 4] for at in range(16, end - 3, 4))]
