"""The file of a day's `log.html`: new entries are put in and those of deleted images taken out without loading the page."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...files.replacing import PAUSES_S, discard, write_parts_atomically
from .entry import ID_BEGIN, SPLIT, Entry, id_of, in_bytes

COMMENT = SPLIT.encode()
BETWEEN = b"\n" + ID_BEGIN
CHUNK_BYTES = 1 << 20
UNFINISHED = ".log.html."
"""Begin of the name of a page that is being written."""


@dataclass(frozen=True)
class Range:
    """The bytes of a page's entries, without the white space that belongs to the parts around them."""

    start: int
    stop: int
    is_usual: bool
    """True if the page has a begin and an end around its entries."""


def merge(
    page: Path,
    entries: Sequence[Entry],
    without: Collection[bytes] = (),
    *,
    once: bool = False,
    pauses: Sequence[float] = PAUSES_S,
) -> int:
    """Put entries in front of those of a page, and take others out. The page is replaced atomically, or unchanged.

    Args:
        entries: new entries, the oldest first.
        without: ids of the entries to take out, of the new ones, too.
        once: skip entries whose id the page has already.
        pauses: pauses between attempts while another program has the page open.

    Returns:
        The size of the written page in bytes, 0 if there was nothing to change.

    Raises:
        OSError: the page can't be read or written.
    """
    with ExitStack() as stack:
        old = stack.enter_context(page.open("rb")) if page.exists() else None
        if old is None and not entries:
            return 0
        begin, end = (entries[-1].begin, entries[-1].end) if entries else ("", "")
        area = _range_of(old, in_bytes(begin), in_bytes(end)) if old is not None else Range(0, 0, False)
        present = _ids(old, area) if old is not None and (once or without) else frozenset()
        fresh = [entry for entry in entries if entry.id not in without and not (once and entry.id in present)]
        gone = present.intersection(without) if area.is_usual else frozenset()
        if not fresh and not gone:
            return 0
        written = 0

        def parts() -> Iterator[bytes]:
            nonlocal written
            for part in _composed(old, area, fresh, gone):
                written += len(part)
                yield part
            stack.close()  # Windows replaces no open file

        write_parts_atomically(page, parts(), page.with_name(f"{UNFINISHED}{uuid.uuid4().hex}.tmp"), pauses=pauses)
        return written


def entries_in(page: Path) -> str:
    """Return all entries of a page as text, "" without one.

    Raises:
        OSError: the page can't be read.
    """
    try:
        with page.open("rb") as file:
            area = _range_of(file, b"", b"")
            file.seek(area.start)
            return file.read(area.stop - area.start).decode("utf-8", "replace").replace(os.linesep, "\n")
    except FileNotFoundError:
        return ""


def discard_unfinished(folder: Path) -> None:
    """Delete the pages that a killed process has left half written."""
    for path in folder.glob(f"{UNFINISHED}*.tmp"):
        discard(path)


def _composed(old: BinaryIO | None, area: Range, fresh: Sequence[Entry], gone: Collection[bytes]) -> Iterator[bytes]:
    if fresh:
        yield in_bytes(fresh[-1].begin)
    elif old is not None:
        yield from _read(old, Range(0, area.start, True))
    yield from (in_bytes(entry.text) for entry in reversed(fresh))
    if old is not None:
        for piece in _entries(old, area) if gone else _read(old, area):
            if not gone or id_of(piece) not in gone:
                yield piece
    if fresh:
        yield in_bytes(fresh[-1].end)
    elif old is not None:
        yield from _read(old, Range(area.stop, os.fstat(old.fileno()).st_size, True))


def _range_of(file: BinaryIO, begin: bytes, end: bytes) -> Range:
    """Return the place of a page's entries.

    Without a split comment the whole page is kept as entries, as the host does, and with a single one the rest after it. `begin`
    and `end` are the parts of a new page; the white space in them is not repeated.
    """
    size = os.fstat(file.fileno()).st_size
    first = _find(file, 0, size)
    if first is None:
        return Range(0, size, False)
    last = _find_last(file, first + len(COMMENT), size)
    start, stop = first + len(COMMENT), size if last is None else last
    space = begin.rpartition(COMMENT)[2]
    if space and _bytes(file, start, min(stop, start + len(space))) == space:
        start += len(space)
    space = end.partition(COMMENT)[0]
    if space and last is not None and stop - len(space) >= start and _bytes(file, stop - len(space), stop) == space:
        stop -= len(space)
    return Range(start, stop, last is not None)


def _find(file: BinaryIO, start: int, stop: int) -> int | None:
    """Return the place of the first split comment."""
    overlap = len(COMMENT) - 1
    for offset in range(start, stop, CHUNK_BYTES):
        found = _bytes(file, offset, min(stop, offset + CHUNK_BYTES + overlap)).find(COMMENT)
        if found >= 0:
            return offset + found
    return None


def _find_last(file: BinaryIO, start: int, stop: int) -> int | None:
    """Return the place of the last split comment, searched from the end."""
    overlap = len(COMMENT) - 1
    while stop > start:
        offset = max(start, stop - CHUNK_BYTES)
        found = _bytes(file, offset, stop).rfind(COMMENT)
        if found >= 0:
            return offset + found
        if offset == start:
            return None
        stop = offset + overlap
    return None


def _bytes(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def _read(file: BinaryIO, area: Range) -> Iterator[bytes]:
    file.seek(area.start)
    left = area.stop - area.start
    while chunk := file.read(min(left, CHUNK_BYTES)):
        left -= len(chunk)
        yield chunk


def _entries(file: BinaryIO, area: Range) -> Iterator[bytes]:
    """Yield the entries one by one, with all that follows them up to the next one."""
    rest = b""
    for chunk in _read(file, area):
        *complete, rest = (rest + chunk).split(BETWEEN)
        for number, piece in enumerate(complete):
            yield (ID_BEGIN if number else b"") + piece + b"\n"
        if complete:
            rest = ID_BEGIN + rest
    yield rest


def _ids(file: BinaryIO, area: Range) -> frozenset[bytes]:
    return frozenset(found for piece in _entries(file, area) if (found := id_of(piece)) is not None)
