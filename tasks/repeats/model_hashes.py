"""Versions of model files, and their hashes, computed once on a slow thread of low priority."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...db.repository import Repository
from ...db.statements.repeats import add_hash, hash_of
from ...db.writer import DatabaseUnavailable

log = logging.getLogger("fooocus_api.repeats")

CHUNK_BYTES = 2**20
REST = 1.0
"""Seconds of rest for each second of hashing: the disk and the processor are the worker's first."""
NICENESS = 15
MAX_WAITING = 1000
"""Files that wait for their hash; further ones get it when they are used again."""


@dataclass(frozen=True)
class FileVersion:
    """A file as it was at one moment: a changed file has another size or time of change, in nanoseconds since 1970."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileVersion | None:
        """Return the version of a file now, None without the file. Reads no content."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(str(path), found.st_size, found.st_mtime_ns)


class ModelHashes:
    """The SHA-256 of versions of model files, kept in the database."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._waiting: OrderedDict[FileVersion, None] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def known(self, version: FileVersion) -> str | None:
        """Return the hash of a version, None while it is unknown. Blocking.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return self._repository.read(partial(hash_of, version.path, version.size, version.mtime_ns))

    def want(self, version: FileVersion) -> None:
        """Compute the hash of a version in the background, unless it is known. Returns at once. Any thread."""
        with self._changed:
            if self._is_closed or len(self._waiting) >= MAX_WAITING:
                return
            self._waiting[version] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fooocus-api-hashes", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop after the current chunk."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        _yield_to_others()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                version, _ = self._waiting.popitem(last=False)
            try:
                self._add(version)
            except DatabaseUnavailable as error:
                log.debug("hash of a model file not stored", extra={"reason": str(error)})
            except Exception:
                log.exception("hash of a model file not computed; it is tried again when the file is used")

    def _add(self, version: FileVersion) -> None:
        if self.known(version) is not None:
            return
        digest = self._digest(Path(version.path))
        if digest is not None and FileVersion.of(Path(version.path)) == version:  # not changed in the meantime
            change = partial(add_hash, version.path, version.size, version.mtime_ns, digest)
            self._repository.write(change).result()

    def _digest(self, path: Path) -> str | None:
        """Return the hash of a file, None if it can't be read or `close` was called."""
        digest = hashlib.sha256()
        try:
            with path.open("rb", buffering=0) as file:
                while not self._is_closed:
                    began = time.monotonic()
                    chunk = file.read(CHUNK_BYTES)
                    if not chunk:
                        return digest.hexdigest()
                    digest.update(chunk)  # without the interpreter's lock
                    time.sleep((time.monotonic() - began) * REST)
        except OSError as error:
            log.debug("model file not read", extra={"reason": str(error)})
        return None


def _yield_to_others() -> None:
    """Give this thread a low priority. Only Linux has one for each thread."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError as error:
            log.debug("priority of the thread that hashes not lowered", extra={"reason": str(error)})
