"""Checks directories of tags, which TIFF files and the EXIF data of all formats have.

Pillow copies the data of every tag, and tags may share their bytes: a directory of some kilobytes can fill gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_NUMBERS = 300_000
"""Numbers in all tags. Each becomes an object of up to 300 bytes. Most are in a TIFF's lists of strips, of up to 20,000 each."""
MAX_SHARED = 2**16
"""Bytes that may be copied beyond the length of the block, as some programs store equal texts once."""
DIRECTORY_TAGS = (0x8769, 0x8825, 0xA005)
"""Tags that hold the place of a further directory: camera, GPS, and interoperability."""
MAX_DIRECTORIES = 8
"""Directories of one block. Usual are 1 to 4. A place that a program copied from another file may lead to any bytes."""

PREFIX = b"Exif\0\0"
HEADER_BYTES, ENTRY_BYTES = 8, 12
_ORDERS = (b"II", b"MM")
_WIDTH_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
TEXT_TYPES = (1, 2, 7)
"""Types whose data stay one piece: bytes, ASCII, undefined."""


class Tag(NamedTuple):
    """A tag of a directory, with its number of values. `place` is that of its data, which have `length` bytes by its account."""

    number: int
    kind: int
    values: int
    place: int
    length: int
    first: int
    """The first of its values, as an unsigned number."""

    @property
    def end(self) -> int:
        """The place after its data."""
        return self.place + self.length


class Tally:
    """The bytes and numbers that a decoder copies of a block of directories."""

    def __init__(self, block: bytes) -> None:
        self._bytes_left = len(block) + MAX_SHARED
        self._numbers_left = MAX_NUMBERS

    def add(self, tag: Tag) -> str | None:
        """Count a tag. Return the excess once there is one."""
        self._bytes_left -= tag.length
        self._numbers_left -= 0 if tag.kind in TEXT_TYPES else tag.values
        if self._bytes_left < 0:
            return "tags of more bytes than it has"
        return "tags of too many numbers" if self._numbers_left < 0 else None


def exif_problem(block: bytes, *, nested: bool) -> str | None:
    """Return the excess in EXIF data, with or without their prefix, or None. Broken data are none: Pillow ignores them.

    Args:
        nested: check the further directories too, not only the first.
    """
    block = block.removeprefix(PREFIX)
    if block[:2] not in _ORDERS:
        return None
    tally, order = Tally(block), byte_order(block)
    waiting, seen = [number_at(block, 4, 4, order)], set[int]()
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if len(seen) > MAX_DIRECTORIES:
            return "too many directories"
        for tag in tags_at(block, at, order):
            if tag.end > len(block):
                break  # as Pillow does
            if problem := tally.add(tag):
                return problem
            if nested and tag.number in DIRECTORY_TAGS:
                waiting.append(tag.first)
    return None


def byte_order(block: bytes) -> str:
    """Return the byte order of a block of directories: `<` or `>`."""
    return "<" if block.startswith(b"II") else ">"


def tags_at(block: bytes, at: int, order: str) -> Iterator[Tag]:
    """Yield the tags of the directory at a place, up to the first that is cut off."""
    for number in range(number_at(block, at, 2, order)):
        start = at + 2 + ENTRY_BYTES * number
        if start + ENTRY_BYTES > len(block):
            return
        kind, count = number_at(block, start + 2, 2, order), number_at(block, start + 4, 4, order)
        width = _WIDTH_OF_TYPE.get(kind)
        if width is None:
            continue  # as Pillow does
        length = count * width
        place = start + 8 if length <= 4 else number_at(block, start + 8, 4, order)
        first = number_at(block, place, width, order) if count else 0
        yield Tag(number_at(block, start, 2, order), kind, count, place, length, first)


def number_at(content: bytes, at: int, length: int, order: str) -> int:
    """Return the unsigned number of `length` bytes at a place."""
    return int.from_bytes(content[at : at + length], "little" if order == "<" else "big")
