"""Detects GIF, BMP and TIFF files crafted to keep a decoder busy, from their bytes alone."""

from __future__ import annotations

import struct

from .directories import DIRECTORY_TAGS, HEADER_BYTES, MAX_DIRECTORIES, Tally, byte_order, number_at, tags_at

MAX_GIF_BLOCKS = 2000
"""Blocks before the picture, and per extension. Pillow concatenates a comment's blocks one by one, copying all each time."""
MAX_RLE_PIXELS = 4_000_000
MAX_RLE_BYTES = 1_000_000
"""Limits for a run-length encoded BMP, which Pillow decodes in Python."""
MAX_TAGS = 500
"""Tags in the first directory of a TIFF. Usual are 10 to 60."""
MAX_STRIPS = 20_000
"""Strips or tiles of a TIFF, each decoded separately. A scanner's page has some hundred."""
MAX_TILE = 2**24
"""Pixels of a tile. Usual are 256x256."""

_WHERE = {273: "strips", 279: "strips", 324: "tiles", 325: "tiles"}
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
    order = byte_order(content)
    first = number_at(content, 4, 4, order)
    waiting, seen = [first], set[int]()
    tally = Tally(content)
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if len(seen) > MAX_DIRECTORIES:
            return "too many directories"
        if at == first >= HEADER_BYTES and number_at(content, at, 2, order) > MAX_TAGS:
            return "too many tags"
        tile = {_TILE_WIDTH: 1, _TILE_LENGTH: 1}
        for tag in tags_at(content, at, order):
            if at != first and tag.end > len(content):
                break  # as Pillow does, but its decoder for compressed pages reads on in the first directory
            if tag.number in _WHERE and tag.values > MAX_STRIPS:
                return f"too many {_WHERE[tag.number]}"
            if problem := tally.add(tag):
                return problem
            if tag.number in tile:
                tile[tag.number] = tag.first
            if tag.number in DIRECTORY_TAGS:
                waiting.append(tag.first)
        if tile[_TILE_WIDTH] * tile[_TILE_LENGTH] > MAX_TILE:
            return "tiles of too many pixels"
    return None


def _colours(flags: bytes) -> int:
    """Return the size in bytes of the colour table that a GIF's header announces."""
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
