"""A decoder of the PNGs that the server sends as previews: 8 bits a channel, no interlacing. It needs no other package."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""Type of colour → bytes of a pixel."""
MAX_PIXELS = 2048 * 2048
Pixel = tuple[int, int, int]


@dataclass(frozen=True)
class Picture:
    """Rows of pixels."""

    width: int
    height: int
    rows: list[list[Pixel]]


def decoded(content: bytes) -> Picture:
    """Return the pixels of a PNG.

    Raises:
        ValueError: it is damaged, or of another kind.
    """
    header, data = b"", b""
    for kind, part in chunks(content):
        if kind == b"IHDR":
            header = part
        elif kind == b"IDAT":
            data += part
    if len(header) != 13:
        raise ValueError("the picture is not a PNG")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in CHANNELS or interlaced or not 0 < width * height <= MAX_PIXELS:
        raise ValueError("the PNG is of an unusual kind")
    size, stride = CHANNELS[colour], width * CHANNELS[colour]
    try:
        raw = zlib.decompress(data)
    except zlib.error as error:
        raise ValueError("the PNG is damaged") from error
    if len(raw) < height * (stride + 1):
        raise ValueError("the PNG is damaged")
    rows: list[list[Pixel]] = []
    before = bytearray(stride)
    for start in range(0, height * (stride + 1), stride + 1):
        line = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before, size)
        rows.append([pixel(line, at, size) for at in range(0, stride, size)])
        before = line
    return Picture(width, height, rows)


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the data of each chunk."""
    if not content.startswith(SIGNATURE):
        raise ValueError("the picture is not a PNG")
    at = len(SIGNATURE)
    while at + 8 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += length + 12


def pixel(line: bytearray, at: int, size: int) -> Pixel:
    """Return a pixel in red, green and blue."""
    if size < 3:
        return line[at], line[at], line[at]
    return line[at], line[at + 1], line[at + 2]


def unfiltered(kind: int, line: bytearray, before: bytearray, size: int) -> bytearray:
    """Return a line without its filter, computed of its left neighbours and of the line before it."""
    for at in range(len(line)):
        left = line[at - size] if at >= size else 0
        above = before[at]
        corner = before[at - size] if at >= size else 0
        line[at] = (line[at] + predicted(kind, left, above, corner)) & 255
    return line


def predicted(kind: int, left: int, above: int, corner: int) -> int:
    """Return the value that a filter predicts."""
    if kind == 1:
        return left
    if kind == 2:
        return above
    if kind == 3:
        return (left + above) // 2
    if kind == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda one: abs(guess - one))
    return 0
