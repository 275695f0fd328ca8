"""Notices that the database's file is no longer where it was opened, and that its disk has no room. Called by the connection.

SQLite does not look: it writes on into a file that was deleted, moved or replaced, and says that all is well.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..files.replacing import discard

ROOM = 2**20
"""Bytes that a task takes with all that belongs to it, and more."""
ROOM_NAMES = 3
FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
GONE_WORDS = "its file was deleted, moved or replaced"
FULL_WORDS = "the disk is full"


class Placement:
    """The file as it was when it was opened. Without its number, only its absence is noticed, and not its replacement."""

    def __init__(self, file: Path, *, by_number: bool) -> None:
        """Remember it. `by_number` is False where a file's number may change by itself, as on a network drive."""
        self._file = file
        self._by_number = by_number
        self._known = self._state()

    def is_kept(self) -> bool:
        """Return whether the file is there, and still the same."""
        return self._known is None or self._state() == self._known

    def _state(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            return None
        except OSError:  # a drive that is away for a moment: SQLite says so itself
            return self._known
        return (status.st_dev, status.st_ino) if self._by_number else (0, 0)


def need_room(folder: Path) -> None:
    """Write and delete a file of ROOM bytes.

    Raises:
        OSError: that could not be done.
    """
    for number in range(ROOM_NAMES):
        path = folder / f".room{number or ''}.tmp"
        try:
            with path.open("wb") as file:
                file.write(bytes(ROOM))
            return
        except PermissionError:  # on Windows a scanner may have the last one open still
            if number == ROOM_NAMES - 1:
                raise
        finally:
            discard(path)
