"""A cache of small files on disk, bounded by their bytes: the least recently used ones are deleted first."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...files.replacing import SHORT_PAUSES_S, discard, write_atomically

log = logging.getLogger("fooocus_api.renditions")

MAX_BYTES = 512 * 2**20
"""About 20,000 thumbnails, or 400 views of a megapixel in PNG."""
SHARE_KEPT = 0.9
"""The share of the bound that stays after a deletion, so that not every new file causes one."""
TOUCH_INTERVAL_S = 3600
"""Seconds between two writes of a file's time of use."""


class DiskCache:
    """Files by name, in folders by the first two characters of the name. Any thread except the event loop's."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None
        """The size of all files; None until the folder has been read."""

    def get(self, name: str) -> bytes | None:
        """Return a file's content, None if it is not cached or can't be read."""
        path = self._path(name)
        with suppress(OSError):
            content = path.read_bytes()
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - TOUCH_INTERVAL_S:
                    os.utime(path)
            return content or None
        return None

    def put(self, name: str, content: bytes) -> None:
        """Store a file. On a full or read-only disk nothing is stored."""
        path = self._path(name)
        with self._lock:
            self._read_folder()
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, content, pauses=SHORT_PAUSES_S)
            except OSError as error:
                log.debug("rendition not cached", extra={"reason": error.strerror or str(error)})
                return
            self._bytes = (self._bytes or 0) + len(content)
            if self._bytes > self._max_bytes:
                self._delete_oldest()

    def remove(self, prefix: str) -> None:
        """Delete all files whose names begin with this prefix of at least two characters."""
        with self._lock:
            for path, status in list(_files(self._path(prefix).parent)):
                if path.name.startswith(prefix):
                    self._delete(path, status.st_size)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _read_folder(self) -> None:
        """Sum up the files at the first use, and delete what a killed process has not finished."""
        if self._bytes is not None:
            return
        self._bytes = 0
        for path, status in list(self._all()):
            if path.name.startswith("."):
                discard(path)
            else:
                self._bytes += status.st_size

    def _delete_oldest(self) -> None:
        files = sorted(self._all(), key=lambda each: each[1].st_mtime)
        self._bytes = sum(status.st_size for _, status in files)  # files may have been deleted by hand
        for path, status in files:
            if self._bytes <= self._max_bytes * SHARE_KEPT:
                break
            self._delete(path, status.st_size)

    def _delete(self, path: Path, size: int) -> None:
        discard(path)
        if self._bytes is not None:
            self._bytes -= size

    def _all(self) -> Iterator[tuple[Path, os.stat_result]]:
        with suppress(OSError):
            for folder in list(self._folder.iterdir()):
                yield from _files(folder)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files of a folder with their status; none if it does not exist."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    yield Path(entry.path), entry.stat(follow_symlinks=False)
