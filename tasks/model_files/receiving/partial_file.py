"""A download's files: the received part, and a JSON file next to it from which a later process continues.

Both are in a hidden folder of the model folder, so that the complete file only needs a rename.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from ....files.replacing import discard, write_atomically
from .records import DownloadErrorCode, DownloadProblem, DownloadRecord, DownloadRequest, DownloadState

log = logging.getLogger("fooocus_api.model_files")

FOLDER_NAME = ".fooocus-api"
VERSION = 1
MAX_JSON_BYTES = 2**16
CODES = {code.value: code for code in DownloadErrorCode}


@dataclass(frozen=True)
class Source:
    """The identity of the file on the server, by which a resumed download recognises it. `sha256` is announced by the server."""

    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None
    total: int | None = None

    @property
    def validator(self) -> str | None:
        """The value of `If-Range`: a strong ETag, else the time of the last change."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


@dataclass(frozen=True)
class StoredDownload:
    """The content of the JSON file.

    `synced` is the number of received bytes that survive a power failure. `installed` has the size and the modification time in
    nanoseconds of the complete file, by which its `sha256` is still known later.
    """

    record: DownloadRecord
    sha256: str | None = None
    size: int | None = None
    needs_credentials: bool = False
    source: Source = Source()
    synced: int = 0
    installed: tuple[int, int] | None = None

    @classmethod
    def of(cls, record: DownloadRecord, request: DownloadRequest) -> StoredDownload:
        """Return the content for a new download."""
        return cls(record, request.sha256, request.size, request.has_credentials)

    def request(self) -> DownloadRequest:
        """Return the request without credentials, which are not stored."""
        return DownloadRequest(self.record.url, self.record.folder, self.record.name, self.sha256, self.size)


class PartialFile:
    """The received part of one download. One thread at a time."""

    def __init__(self, root: Path, download_id: str) -> None:
        """Name the files; `root` is the model folder. Nothing is created yet."""
        self.folder = root / FOLDER_NAME
        self.path = self.folder / f"{download_id}.part"
        self._json = self.folder / f"{download_id}.json"
        self._lock = FileLock(self.folder / f"{download_id}.lock", timeout=0, thread_local=False)

    def length(self) -> int:
        """Return the number of received bytes."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_size
        return 0

    def prepare(self, length: int) -> None:
        """Make the folder, and drop the bytes after `length`.

        Raises:
            OSError: the folder or the file can't be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.length() <= length:
            return
        if self.path.stat().st_nlink > 1:  # a kill came before the part lost its second name: it is an installed model
            discard(self.path)
        else:
            os.truncate(self.path, length)

    def open(self) -> BinaryIO:
        """Open the file for appending.

        Raises:
            OSError: the file can't be written.
        """
        return self.path.open("ab")

    def save(self, stored: StoredDownload) -> None:
        """Write the JSON file atomically.

        Raises:
            OSError: it can't be written; the old one is unchanged.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._json, json.dumps({"version": VERSION, **asdict(stored)}), 0o600)

    def claim(self) -> bool:
        """Claim the download for this process, until `release`. Return False if another Fooocus, which has the same folder, works
        on it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except (Timeout, OSError):
            return False
        return True

    def release(self) -> None:
        """End the claim. A second call does nothing."""
        if self._lock.is_locked:
            self._lock.release()
            discard(Path(self._lock.lock_file))

    def discard_part(self) -> None:
        """Delete the received part."""
        discard(self.path)

    def discard(self) -> None:
        """Delete both files, and end the claim."""
        discard(self.path)
        discard(self._json)
        self.release()


def stored_downloads(root: Path) -> Iterator[StoredDownload]:
    """Yield the downloads of a model folder. Files that can't be read are skipped, and logged."""
    try:
        files = sorted((root / FOLDER_NAME).glob("*.json"))
    except OSError:
        return
    for file in files:
        try:
            if file.stat().st_size > MAX_JSON_BYTES:
                raise ValueError("it is too large")
            yield _stored(json.loads(file.read_text("utf-8")), file.stem)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("stored model download not readable", extra={"file": str(file), "reason": str(error)})


def discard_orphans(root: Path) -> None:
    """Delete parts without a JSON file, which belong to no download."""
    with contextlib.suppress(OSError):
        for part in (root / FOLDER_NAME).glob("*.part"):
            if not part.with_suffix(".json").exists():
                discard(part)


def _stored(content: dict[str, Any], download_id: str) -> StoredDownload:
    if content.pop("version") != VERSION:
        raise ValueError("its version is not supported")
    values = dict(content.pop("record"))
    error = values.pop("error")
    problem = None if error is None else DownloadProblem(CODES[error["code"]], str(error["message"]))
    record = replace(DownloadRecord(**values), state=DownloadState(values["state"]), error=problem)
    if record.download_id != download_id:
        raise ValueError("it is of another download")
    source, installed = Source(**content.pop("source")), content.pop("installed")
    return StoredDownload(record, source=source, installed=tuple(installed) if installed else None, **content)
