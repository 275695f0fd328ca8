"""Detects that the database's file was deleted, moved or replaced, or that its disk is full.

SQLite does not check this: it keeps writing to a file that was deleted, moved or replaced, and reports success.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ...files.replacing import discard

ROOM_BYTES = 2**20
"""Bytes that must be free: more than a task takes with all its rows."""
ROOM_NAMES = 3
FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
GONE_WORDS = "its file was deleted, moved or replaced"
FULL_WORDS = "the disk is full"


class Placement:
    """The identity of the database's file when it was opened. Without the inode number, a replacement goes unnoticed."""

    def __init__(self, file: Path, *, by_number: bool) -> None:
        """Record the identity. `by_number` is False if a file's inode number may change by itself, as on a network drive."""
        self._file = file
        self._by_number = by_number
        self._known = self._state()

    def is_kept(self) -> bool:
        """Return whether the file exists and is still the same."""
        return self._known is None or self._state() == self._known

    def _state(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            return None
        except OSError:  # the drive is unavailable for a moment: SQLite reports that
            return self._known
        return (status.st_dev, status.st_ino) if self._by_number else (0, 0)


def need_room(folder: Path) -> None:
    """Write and delete a file of ROOM_BYTES bytes.

    Raises:
        OSError: the file can't be written.
    """
    for number in range(ROOM_NAMES):
        path = folder / f".room{number or ''}.tmp"
        try:
            with path.open("wb") as file:
                file.write(bytes(ROOM_BYTES))
            return
        except PermissionError:  # on Windows a scanner may still hold the previous file
            if number == ROOM_NAMES - 1:
                raise
        finally:
            discard(path)
