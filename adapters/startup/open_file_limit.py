"""Limit of open files and connections of this process, raised so that no image fails to be saved for lack of a file handle."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

TARGET_NOFILE = 10_240 if sys.platform == "darwin" else 65_536
"""Soft limit to aim for. macOS allows no process more than 10,240, regardless of its limits."""


def allow_more() -> Callable[[], None]:
    """Raise the soft limit, up to the hard limit. Return a function that restores it.

    The usual soft limit (1,024, on macOS 256) is meant for programs that call select(), which neither asyncio nor Fooocus does;
    every open stream, every idle connection and every file that Fooocus writes counts towards it. Windows has no such limit.
    """
    if sys.platform == "win32":
        return lambda: None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = TARGET_NOFILE if hard == resource.RLIM_INFINITY else min(TARGET_NOFILE, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return lambda: None
    with contextlib.suppress(ValueError, OSError):  # a sandbox may forbid it: then the limit stays unchanged
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
