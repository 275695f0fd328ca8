"""Decides whether a file may be served: only a regular file that is in an allowed folder after its links are resolved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def regular_file(path: Path, folders: Iterable[Path]) -> Path | None:
    """Return the resolved path of a file, None if it may not be served.

    A folder, a FIFO, a device, a circular link, an invalid file name, and a path outside the folders may not be served.
    """
    found = resolved(path)
    try:
        if found is None or not found.is_file():
            return None
    except OSError:
        return None
    rooms = (resolved(folder) for folder in folders)
    return found if any(room is not None and found.is_relative_to(room) for room in rooms) else None


def resolved(path: Path) -> Path | None:
    """Return the path with every link resolved, None if that fails."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):  # Python before 3.13 raises RuntimeError for a circular link
        return None
