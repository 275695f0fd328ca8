"""Detects GIF, BMP and TIFF files crafted to keep a decoder busy, from their bytes alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAX_GIF_BLOCKS = 2000
"""Blocks before the picture, and per extension. Pillow concatenates a comment's blocks one by one, copying all each time."""
MAX_RLE_PIXELS = 4_000_000
MAX_RLE_BYTES = 1_000_000
"""Limits for a run-length encoded BMP, which Pillow decodes in Python."""
MAX_TAGS = 500
"""Tags in one directory of a TIFF. Usual are 10 to 60."""
MAX_STRIPS = 20_000
"""Strips or tiles of a TIFF, each decoded separately. A scanner's page has some hundred."""
MAX_TILE = 2**24
"""Pixels of a tile. Usual are 256x256."""

HEADER_BYTES = 8
_WIDTH_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHERE = {273: "strips", 279: "strips", 324: "tiles", 325: "tiles"}
_DIRECTORIES = (0x8769, 0x8825, 0xA005)
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def gif_problem(content: bytes) -> str | None:
    """Return the excess before a GIF's first picture, such as `too many blocks`, or None."""
    at = 13 + _colours(content[10:11])
    for _ in range(MAX_GIF_BLOCKS):
        if content[at : at + 1] != b"!":
            return None  # the picture, or the end
        at += 2
        for _ in range(MAX_GIF_BLOCKS):
            length = content[at : at + 1]
            if not length:
                return None
            at += 1 + length[0]
            if not length[0]:
                break
        else:
            return "too many blocks"
    return "too many blocks"


def bmp_problem(content: bytes) -> str | None:
    """Return the excess in a BMP, or None."""
    size = int.from_bytes(content[14:18], "little")
    if size < 40 or len(content) < 34:
        return None
    width, height = struct.unpack("<ii", content[18:26])
    compression = int.from_bytes(content[30:34], "little")
    too_large = abs(width * height) > MAX_RLE_PIXELS or len(content) > MAX_RLE_BYTES
    return "too many run-length encoded pixels" if compression in (1, 2) and too_large else None


def tiff_problem(content: bytes) -> str | None:
    """Return the excess in the first page of a TIFF, or None."""
    order = "<" if content.startswith(b"II") else ">"
    seen: set[int] = set()
    waiting = [_number(content, 4, 4, order)]
    declared = 0
    while waiting:
        at = waiting.pop()
        if at in seen or at < HEADER_BYTES:
            continue
        seen.add(at)
        if _number(content, at, 2, order) > MAX_TAGS:
            return "too many tags"
        tile = {_TILE_WIDTH: 1, _TILE_LENGTH: 1}
        for tag, kind, count, value in _entries(content, at, order):
            declared += count * _WIDTH_OF_TYPE.get(kind, 1)
            if declared > len(content):
                return "tags of more bytes than it has"
            if tag in _WHERE and count > MAX_STRIPS:
                return f"too many {_WHERE[tag]}"
            if tag in tile:
                tile[tag] = value
            if tag in _DIRECTORIES and len(seen) + len(waiting) < len(_DIRECTORIES) + 1:
                waiting.append(value)
        if tile[_TILE_WIDTH] * tile[_TILE_LENGTH] > MAX_TILE:
            return "tiles of too many pixels"
    return None


def _entries(content: bytes, at: int, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, type, count, and value or offset of each entry of a directory."""
    for number in range(_number(content, at, 2, order)):
        entry = content[at + 2 + 12 * number : at + 14 + 12 * number]
        if len(entry) < 12:
            return
        tag, kind, count, value = struct.unpack(f"{order}HHII", entry)
        short = kind == 3 and count == 1
        yield tag, kind, count, _number(entry, 8, 2, order) if short else value


def _number(content: bytes, at: int, length: int, order: str) -> int:
    return int.from_bytes(content[at : at + length], "little" if order == "<" else "big")


def _colours(flags: bytes) -> int:
    """Return the size in bytes of the colour table that a GIF's header announces."""
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
