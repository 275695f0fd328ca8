"""Free space on the disks of folders."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path


def free_bytes(folders: Iterable[Path]) -> int | None:
    """Return the least number of free bytes on the disks of these folders, or of the folders around those that do not exist yet;
    None if no disk answers."""
    found = []
    for folder in folders:
        place = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
        if place is not None:
            with contextlib.suppress(OSError):
                found.append(shutil.disk_usage(place).free)
    return min(found, default=None)
