"""Putting a finished file or folder into its place, and removing one, on systems where a program may hold it for a moment.

Windows refuses to rename or delete what another program has open: a virus scanner, an indexer or a backup looks at each fresh
file for a moment. Trying again for two seconds is what uv, pip and Briefcase do as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PAUSES_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Pauses between the tries: 2 s in all."""
HELD = (5, 32, 33)
"""Windows's codes for access denied, a sharing violation and a locked region."""


def put_in_place(new: Path, target: Path) -> None:
    """Rename `new` to `target`, over a file that may be there.

    Raises:
        OSError: it can't be done, after all tries; `new` is still there.
    """
    retried(lambda: os.replace(new, target))


def move(source: Path, target: Path) -> None:
    """Rename a file or folder to a name that is free.

    Raises:
        OSError: it can't be done, after all tries.
    """
    retried(lambda: os.rename(source, target))


def discard(path: Path) -> None:
    """Delete a temporary file if it can be deleted: its writer has its result already, good or bad."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def delete(path: Path) -> None:
    """Delete a file, or do nothing when it is not there.

    Raises:
        OSError: it can't be deleted, after all tries.
    """
    retried(lambda: path.unlink(missing_ok=True))


def retried(action: Callable[[], T]) -> T:
    """Run an action again while another program holds its file, for two seconds at most.

    Raises:
        OSError: the last try's.
    """
    for pause in PAUSES_SECONDS:
        try:
            return action()
        except PermissionError as error:
            if not is_held(error):
                raise
            time.sleep(pause)
    return action()


def is_held(error: OSError) -> bool:
    """Return True for an error that says another program has the file open."""
    return getattr(error, "winerror", None) in HELD
