"""Sets of the rows of a chunk, stored as a bitmap or a list, and computed with for many chunks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

CHUNK = 4096
"""Row ids of a chunk. Chunk N has the ids from N * CHUNK on."""
BITMAP_BYTES = CHUNK // 8
"""Bytes of a bitmap. With its key it fits into a cell of SQLite's pages, which have no space for the next larger power of two."""
_ONES = numpy.array([bin(byte).count("1") for byte in range(256)], dtype=numpy.int64)

Bits = Any
"""Array of uint8 with a row per chunk and BITMAP_BYTES columns: bit N of a row stands for the N-th id of the chunk."""


def stored(places: bytes) -> bytes:
    """Return the stored form of a set: its sorted places in the chunk, two bytes each, or a bitmap if that is shorter."""
    if len(places) < BITMAP_BYTES:
        return places
    flags = numpy.zeros(CHUNK, numpy.uint8)
    flags[numpy.frombuffer(places, "<u2")] = 1
    return numpy.packbits(flags, bitorder="little").tobytes()


def of_places(places: Sequence[int]) -> bytes:
    """Return the stored form of a set of sorted places."""
    return stored(numpy.array(places, "<u2").tobytes())


def without(content: bytes, offset: int) -> bytes:
    """Return a stored set without the row at that place of the chunk."""
    return of_places([place for place in offsets(loaded([(0, content)], 1)[0]) if place != offset])


def loaded(found: Sequence[tuple[int, bytes]], number: int) -> Bits:
    """Return the sets of `number` chunks, from each stored set and the place of its chunk; the others are empty."""
    bits = numpy.zeros((number, BITMAP_BYTES), numpy.uint8)
    lists = [(place, content) for place, content in found if len(content) < BITMAP_BYTES]
    if lists:
        flags = numpy.zeros(number * CHUNK, numpy.uint8)
        sizes = [len(content) // 2 for _, content in lists]
        first = numpy.repeat([place * CHUNK for place, _ in lists], sizes)
        flags[first + numpy.frombuffer(b"".join(content for _, content in lists), "<u2")] = 1
        bits = numpy.packbits(flags, bitorder="little").reshape(number, BITMAP_BYTES)
    maps = [(place, content) for place, content in found if len(content) >= BITMAP_BYTES]
    if maps:
        content = b"".join(content for _, content in maps)
        bits[[place for place, _ in maps]] = numpy.frombuffer(content, numpy.uint8).reshape(-1, BITMAP_BYTES)
    return bits


def everything(number: int) -> Bits:
    """Return sets with all rows of `number` chunks."""
    return numpy.full((number, BITMAP_BYTES), 255, numpy.uint8)


def sizes(bits: Bits) -> Any:
    """Return the number of rows of each set."""
    return _ONES[bits].sum(axis=1)


def offsets(bits: Bits) -> list[int]:
    """Return the places of the rows of one set in their chunk, sorted."""
    places: list[int] = numpy.flatnonzero(_flags(bits)).tolist()
    return places


def remove(bits: Bits, chunks: Any, places: Any) -> None:
    """Remove rows from the sets. The arrays have the place of the chunk of each row, and its place in the chunk."""
    mask = numpy.left_shift(1, places & 7).astype(numpy.uint8)
    numpy.bitwise_and.at(bits, (chunks, places >> 3), ~mask)


def _flags(bits: Bits) -> Any:
    return numpy.unpackbits(bits, bitorder="little")
