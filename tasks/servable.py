"""The one decision which file may be given out: a regular one, in a folder that is meant for it once every link is followed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def regular_file(path: Path, folders: Iterable[Path]) -> Path | None:
    """Return where the file really lies, None when there is none that may be given out.

    A folder, a FIFO, a device, a link in a circle, a name that no file can have, and what lies outside of the folders are none.
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
    """Return the path with every link followed, None when that can't be done."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):  # Python before 3.13 raises the last for a link in a circle
        return None
