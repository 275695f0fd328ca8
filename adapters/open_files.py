"""How many files and connections this process may have open at once, before an image can't be saved for want of one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

ENOUGH = 10_240 if sys.platform == "darwin" else 65_536
"""macOS lets no process have more than this, whatever its limits say."""


def allow_more() -> Callable[[], None]:
    """Raise the soft limit as far as the hard one lets us. Returns what sets it back.

    The usual soft limit, 1,024 and on macOS 256, is for programs that call select(), which neither asyncio nor Fooocus does;
    every open stream and every idle connection counts towards it, and so does each file that Fooocus writes. Windows has
    no such limit.
    """
    if sys.platform == "win32":
        return lambda: None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return lambda: None
    with contextlib.suppress(ValueError, OSError):  # a sandbox may forbid it: then it stays as it was
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
