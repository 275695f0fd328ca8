"""Detects JPEG files crafted to keep a decoder busy, from their segments before the first scan."""

from __future__ import annotations

from collections.abc import Iterator

from .directories import PREFIX, exif_problem

MAX_PARTS = 20_000
"""Markers and stray bytes before a JPEG's first scan: each costs Pillow some time, and 50 MiB can hold millions."""
MAX_EXIF_SEGMENTS = 64
"""Segments with EXIF data, of 64 kB each. Usual is one. Pillow concatenates them one by one, copying all each time."""

_SCAN = b"\xff\xda"
_WITHOUT_LENGTH = {0x00, 0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE), 0xFF}
"""Second bytes of markers after which Pillow reads no length."""
_APP1, _APP2 = 0xE1, 0xE2
_INDEX = b"MPF\0"
"""The start of a phone's index of the further pictures in the file, which is a directory like EXIF data."""


def jpeg_problem(content: bytes) -> str | None:
    """Return the excess in a JPEG, or None."""
    exif: list[bytes] = []
    index = b""
    for marker, start, end in _parts(content):
        if marker is None:
            return "too many markers"
        if marker == _APP1 and content.startswith(PREFIX, start):
            exif.append(content[start + len(PREFIX) : end])
            if len(exif) > MAX_EXIF_SEGMENTS:
                return "too many segments of EXIF data"
        elif marker == _APP2 and content.startswith(_INDEX, start):
            index = content[start + len(_INDEX) : end]  # the last one counts
    return _in("EXIF data", b"".join(exif)) or _in("an index", index)


def _in(place: str, block: bytes) -> str | None:
    """Return the excess in a block of directories: Pillow reads the first one when it opens the file."""
    problem = exif_problem(PREFIX + block, nested=False)
    return f"{place} with {problem}" if problem else None


def _parts(content: bytes) -> Iterator[tuple[int | None, int, int]]:
    """Yield marker, start and end of each segment before the first scan, and no marker after too many parts."""
    at = 2
    for _ in range(MAX_PARTS):
        mark = content[at : at + 2]
        if mark == _SCAN or len(mark) < 2:
            return
        if mark[0] != 0xFF or mark[1] in _WITHOUT_LENGTH:
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        yield mark[1], at + 4, end
        at = end
    yield None, at, at
