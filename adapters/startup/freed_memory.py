"""Return of memory to the system that the start has freed: imports and the building of schemas leave several MB."""

from __future__ import annotations

import ctypes
import sys


def release_freed_memory() -> None:
    """Have the C library give back the pages that it keeps for later, where it can (glibc)."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (OSError, AttributeError):  # another C library
            return
