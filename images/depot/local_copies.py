"""Copies of a depot's files on this machine, bounded by their bytes: the least recently used ones are deleted first."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ...files.replacing import discard, write_parts_atomically

log = logging.getLogger("fooocus_api.images")

MAX_BYTES = 2 * 2**30
SHARE_KEPT = 0.9
"""The share of the bound that stays after a deletion, so that not every new file causes one."""
KEPT_S = 60
"""Seconds after its last use for which a copy stays in any case, as its reader may not have opened it yet."""


class LocalCopies:
    """Files below a folder that one process uses, by key. Any thread.

    A copy's time of change is that of the original, by which a newer original is noticed; its time of access is its last use.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None
        """The size of all copies; None until the folder has been read."""

    def place(self, key: str) -> Path:
        """Return the path of a key's copy, which need not exist."""
        return self._folder.joinpath(*key.split("/"))

    def get(self, key: str, changed_at: float, size: int) -> Path | None:
        """Return the copy of an original that was changed at this time, in seconds since 1970, and has this size in bytes; None
        if there is none. It counts as used."""
        path = self.place(key)
        try:
            status = path.stat()
            if status.st_size != size or abs(status.st_mtime - changed_at) > 1:
                return None
            os.utime(path, (time.time(), changed_at))
        except OSError:
            return None
        return path

    def add(self, key: str, changed_at: float, parts: Iterable[bytes]) -> Path:
        """Store a copy and return its path. It appears under its name once it is whole.

        Raises:
            OSError: it can't be written; an earlier copy is unchanged.
        """
        path = self.place(key)
        with self._lock:
            self._read_folder()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_parts_atomically(path, parts, path.with_name(f".{uuid.uuid4().hex}.tmp"))
        os.utime(path, (time.time(), changed_at))
        with self._lock:
            self._bytes = (self._bytes or 0) + path.stat().st_size
            if self._bytes > self._max_bytes:
                self._delete_oldest()
        return path

    def drop(self, key: str) -> None:
        """Delete a copy, if there is one: its original was deleted."""
        path = self.place(key)
        with self._lock:
            with suppress(OSError):
                if self._bytes is not None:
                    self._bytes -= path.stat().st_size
            discard(path)

    def _read_folder(self) -> None:
        """Sum up the copies at the first use, and delete what an ended process has not finished."""
        if self._bytes is not None:
            return
        self._bytes = 0
        for path, status in list(self._all()):
            if path.name.startswith("."):
                discard(path)
            else:
                self._bytes += status.st_size

    def _delete_oldest(self) -> None:
        files = sorted(self._all(), key=lambda each: each[1].st_atime)
        self._bytes = sum(status.st_size for _, status in files)  # files may have been deleted by hand
        for path, status in files:
            if self._bytes <= self._max_bytes * SHARE_KEPT or status.st_atime > time.time() - KEPT_S:
                break
            discard(path)
            self._bytes -= status.st_size

    def _all(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(OSError):
                    yield Path(folder, name), os.stat(os.path.join(folder, name), follow_symlinks=False)
