"""Space on disk for downloads: a reserve stays free."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .records import DownloadErrorCode, DownloadFailed

GB = 10**9


@dataclass(frozen=True)
class DiskReserve:
    """The bytes that a download leaves free."""

    reserve: int

    def check(self, folder: Path, wanted: int) -> None:
        """Make sure that `wanted` more bytes leave the reserve free.

        Raises:
            DownloadFailed: they do not.
            OSError: the free space can't be determined.
        """
        free = shutil.disk_usage(folder).free
        if free - wanted < self.reserve:
            message = (
                f"{_in_gb(wanted)} are needed, {_in_gb(free)} are free, and {_in_gb(self.reserve)} must stay free; delete files, "
                "or lower --model-disk-reserve"
            )
            raise DownloadFailed(DownloadErrorCode.DISK_FULL, message)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power failure, where the system can."""
    with contextlib.suppress(OSError):  # Windows can't open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _in_gb(count: int) -> str:
    return f"{count / GB:.2f} GB"
