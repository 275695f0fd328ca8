"""Thread that indexes prompts, chunk by chunk. It gives way to all others, and a search is right without what it has not done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, pairwise
from typing import Any, TypeVar

from ..search.chunk_index import ChunkIndex, TooLong
from ..search.row_sets import CHUNK
from ..statements import search_sets
from ..statements.search_sets import Chunk

log = logging.getLogger("fooocus_api.db")

T = TypeVar("T")
Read = Callable[[Callable[[], Any]], Any]
"""Function that runs a query on a reader's thread and returns its result."""
CHECK_INTERVAL_S = 30.0
"""Seconds after which the indexer looks for a chunk whose ids have all been assigned."""
WORK_S, REST_S = 0.002, 0.004
"""Seconds of work after which it rests, and of the rest: others wait for the interpreter's lock no longer than that."""
PROMPTS_AT_ONCE = 128
SETS_AT_ONCE = 250
"""Sets written in one statement: some SQLite versions take no more than 999 values."""


class _Stopped(Exception):
    """The indexer is to stop."""


class _NoDuty(Exception):
    """Another process indexes from now on."""


class Indexer:
    """Builds the sets of each chunk of row ids whose ids have all been assigned, the oldest first.

    `read` and `write` run a query and a change on the repository's threads and return their results; `need_room` raises OSError
    if the disk is almost full.
    """

    def __init__(self, read: Read, write: Read, need_room: Callable[[], None]) -> None:
        self._read = read
        self._write_now = write
        self._need_room = need_room
        self._stopping = threading.Event()
        self._rested_at = time.perf_counter()
        self._failed = False
        self._is_duty: Callable[[], bool] = lambda: True
        self._thread = threading.Thread(target=self._run, name="fooocus-api-indexer", daemon=True)

    def start(self, is_duty: Callable[[], bool]) -> None:
        """Start the thread. It indexes while `is_duty` returns true."""
        self._is_duty = is_duty
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end. What it has not finished is done at the next start."""
        self._stopping.set()

    def join(self, within_s: float | None) -> None:
        """Wait until the thread has ended, at most for these seconds."""
        if self._thread.is_alive():
            self._thread.join(within_s)

    def index(self) -> int:
        """Index all chunks whose ids have been assigned, and return their number. On this thread, instead of `start`."""
        self._clear()
        number = 0
        while (chunk := self._read(search_sets.next_chunk)) is not None:
            self._need_room()
            self._index(chunk)
            number += 1
        return number

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                began = time.monotonic()
                if self._is_duty() and (number := self.index()):
                    seconds = round(time.monotonic() - began, 1)
                    log.debug("prompts indexed", extra={"chunks": number, "seconds": seconds})
                self._failed = False
            except _Stopped:
                return
            except _NoDuty:
                log.debug("indexing of prompts is left to another process")
            except Exception as error:  # the disk is full, the server gone, or a bug: searches work without
                if not self._failed and not self._stopping.is_set():
                    log.warning("indexing of prompts failed; searches are slower until it succeeds", exc_info=error)
                self._failed = True
            self._stopping.wait(CHECK_INTERVAL_S)

    def _index(self, number: int) -> None:
        self._write(partial(search_sets.begin, number))
        self._remove(number)
        index = ChunkIndex(self._pause)
        chunk = self._collect(number, index)
        sets: Iterator[tuple[bytes, bytes]] = iter(())
        try:
            if chunk.is_indexed:
                sets = index.sets()
        except TooLong:
            chunk = chunk._replace(is_indexed=False)
        while rows := list(islice(sets, SETS_AT_ONCE)):
            self._write(partial(search_sets.add, number, rows))
            self._rest()
        self._write(partial(search_sets.finish, chunk))

    def _collect(self, number: int, index: ChunkIndex) -> Chunk:
        """Add a chunk's prompts to the index, and return the chunk."""
        first = begin = number * CHUNK
        times: list[int] = []
        is_indexed = True
        while rows := self._read(partial(search_sets.prompts, begin, first + CHUNK, PROMPTS_AT_ONCE)):
            times += [row.queued_at for row in rows]
            try:
                for row in rows if is_indexed else ():
                    index.add(row.row_id - first, row.words)
            except TooLong:
                is_indexed = False
            begin = rows[-1].row_id + 1
            self._rest()
        is_ordered = all(before <= after for before, after in pairwise(times))
        return Chunk(number, min(times, default=0), max(times, default=0), is_ordered, is_indexed)

    def _write(self, change: Callable[[], T]) -> T:
        if not self._is_duty():
            raise _NoDuty
        return self._write_now(change)

    def _clear(self) -> None:
        """Remove the sets of chunks that are no longer known."""
        number: int | None = -1
        while number is not None:
            number = self._read(partial(search_sets.leftover, number))
            if number is not None:
                self._remove(number)

    def _remove(self, number: int) -> None:
        while self._write(partial(search_sets.remove, number, SETS_AT_ONCE)):
            self._rest()

    def _pause(self) -> None:
        """Give way to other threads if this one has worked for a while."""
        if time.perf_counter() - self._rested_at > WORK_S:
            self._rest()

    def _rest(self) -> None:
        if self._stopping.wait(REST_S):
            raise _Stopped
        self._rested_at = time.perf_counter()
