"""Reads the segments of a JPEG and the chunks of a WebP, without decoding any pixel."""

from __future__ import annotations

from .carried import Carried, decoded
from .exif import PREFIX, add_exif

MAX_PARTS = 20_000
_APP1, _COMMENT, _SCAN = 0xE1, 0xFE, 0xDA
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xDA)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of a frame's header, which has the size."""


def read_jpeg(content: bytes, carried: Carried) -> None:
    """Add the texts and the size of a JPEG: those before its pixels."""
    at = 2
    for _ in range(MAX_PARTS):
        if at + 4 > len(content):
            return
        marker = content[at + 1]
        if content[at] != 0xFF or marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1  # a fill byte or a stray one
            continue
        if marker == _SCAN:
            return
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        segment = content[at + 4 : end]
        if marker == _APP1 and segment.startswith(PREFIX):
            add_exif(segment, carried)
        elif marker == _COMMENT and carried.admits("comment", len(segment)):
            carried.add("jpeg", "comment", decoded(segment), len(segment))
        elif marker in _FRAMES and len(segment) >= 5:
            carried.set_size((int.from_bytes(segment[3:5], "big"), int.from_bytes(segment[1:3], "big")))
        at = end


def read_webp(content: bytes, carried: Carried) -> None:
    """Add the texts and the size of a WebP."""
    at = 12
    for _ in range(MAX_PARTS):
        kind, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if len(kind) < 4 or (not length and kind.strip(b"\0") == b""):
            return
        start = at + 8
        if kind == b"EXIF":
            add_exif(content[start : start + length], carried)
        else:
            carried.set_size(_webp_size(kind, content[start : start + 10]))
        at = start + length + length % 2


def _webp_size(kind: bytes, head: bytes) -> tuple[int, int] | None:
    if len(head) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    return None
