"""Return of freed memory to the system: glibc keeps it in the heaps of its threads, hundreds of MB where images are decoded."""

from __future__ import annotations

import ctypes
import os
import sys

MIN_GROWTH_BYTES = 64 * 2**20
"""Growth of the process after which freed memory is given back: doing so takes milliseconds and holds up other threads' heaps."""

M_ARENA_MAX = -8
"""Number of the option in glibc's malloc.h."""
MAX_ARENAS = 2
"""Heaps that all threads share. By default glibc has eight for each core."""


def share_heaps() -> None:
    """Have all threads share a few heaps, unless the environment sets their number. It must precede the threads.

    What is free at the end of a thread's own heap, up to 64 MB, goes back by no call (glibc): large requests on forty threads
    would occupy hundreds of MB for as long as the process lives.
    """
    is_set = "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform == "linux" and not is_set:
        try:
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, MAX_ARENAS)
        except (OSError, AttributeError):  # another C library
            return


def release_freed_memory() -> None:
    """Have the C library give back the pages that it keeps for later, where it can (glibc)."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (OSError, AttributeError):  # another C library
            return


class MemoryRelease:
    """Gives freed memory back once the process has grown by `MIN_GROWTH_BYTES`. On one thread only."""

    def __init__(self) -> None:
        self._lowest: int | None = None

    def look(self, memory: int | None) -> bool:
        """Look at the process's memory in bytes, None if unknown. Return whether freed memory was given back."""
        if memory is None:
            return False
        if self._lowest is None or memory <= self._lowest + MIN_GROWTH_BYTES:
            self._lowest = memory if self._lowest is None else min(memory, self._lowest)
            return False
        release_freed_memory()
        self._lowest = memory  # the next look finds the memory that is left
        return True
