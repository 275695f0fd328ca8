"""Entries that wait to be put into their page, in small files that survive a kill."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from ...files.replacing import delete
from .entry import Entry, from_line

log = logging.getLogger("fooocus_api.images")

SUFFIX = ".entries"


@dataclass(frozen=True)
class Batch:
    """The waiting entries of a page, the oldest first, and the files that contain them."""

    entries: list[Entry]
    files: list[Path]
    unsaved: list[Entry]
    """The last ones of the entries, which no file contains."""
    is_left: bool
    """True if a process that was killed may have put some of them into the page already."""


class WaitingEntries:
    """The waiting entries of all pages. Any thread; no call waits for the writing of a page."""

    def __init__(self, folder: Path) -> None:
        """Keep the entries in files of this folder, and take over those that an earlier process has left."""
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, list[Path]] = defaultdict(list)
        self._written: set[Path] = set()
        """Files whose entries are in the page, and that could not be deleted yet."""
        self._current: dict[str, Path] = {}
        self._unsaved: dict[str, list[Entry]] = defaultdict(list)
        self._error_logged = False
        folder.mkdir(parents=True, exist_ok=True)
        self._left = sorted(folder.glob(f"*{SUFFIX}"))
        self._number = 1 + max((_number(path) for path in self._left), default=0)
        for path in self._left:
            if entry := next(iter(_read(path)), None):
                self._files[entry.page].append(path)
            else:
                self._delete(path)

    def add(self, entry: Entry) -> None:
        """Store an entry. One that can't be written is kept in memory and written with the next one. Never raises `OSError`."""
        with self._lock:
            unsaved = self._unsaved[entry.page]
            unsaved.append(entry)
            path = self._current.get(entry.page) or self._new_file(entry.page)
            try:
                _append(path, b"".join(each.to_line() for each in unsaved))
                unsaved.clear()
            except OSError as error:
                self._current.pop(entry.page)  # its last line may be incomplete
                if not self._error_logged:
                    self._error_logged = True
                    log.warning("entry of the image log not stored; kept in memory", extra={"reason": str(error)})

    def pages(self) -> list[str]:
        """Return the paths of the pages with waiting entries."""
        with self._lock:
            return [page for page in {*self._files, *self._unsaved} if self._files[page] or self._unsaved[page]]

    def take(self, page: str) -> Batch:
        """Return the entries of a page, to be `removed` or `returned`. Later ones go to another file.

        Raises:
            OSError: a file can't be read.
        """
        with self._lock:
            self._current.pop(page, None)
            files, unsaved = list(self._files[page]), self._unsaved.pop(page, [])
        batch = Batch([], files, unsaved, any(path in self._left for path in files))
        try:
            entries = [entry for path in files for entry in _read(path)]
        except OSError:
            self.returned(page, batch)
            raise
        batch.entries.extend(dict.fromkeys([*entries, *unsaved]))  # a failed write may have stored some all the same
        return batch

    def returned(self, page: str, batch: Batch) -> None:
        """Keep the entries of a batch waiting, because they could not be put into the page."""
        with self._lock:
            self._unsaved[page][:0] = batch.unsaved

    def removed(self, page: str, batch: Batch) -> None:
        """Remove the entries of a batch, because they are in the page."""
        with self._lock:
            self._files[page] = [path for path in self._files[page] if path not in batch.files]
            self._written.update(batch.files)
            written = list(self._written)
        for path in written:
            self._delete(path)

    def _delete(self, path: Path) -> None:
        try:
            delete(path)
        except OSError as error:
            log.debug("file of log entries not deleted yet", extra={"file": str(path), "reason": str(error)})
        else:
            self._written.discard(path)

    def _new_file(self, page: str) -> Path:
        name = f"{Path(page).parent.name}-{hashlib.sha256(page.encode(errors='replace')).hexdigest()[:16]}"
        path = self._folder / f"{name}.{self._number:08}{SUFFIX}"
        self._number += 1
        self._files[page].append(path)
        self._current[page] = path
        return path


def _append(path: Path, lines: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        if file.write(lines) != len(lines):
            raise OSError("written in part; the disk may be full")


def _number(path: Path) -> int:
    text = path.name.removesuffix(SUFFIX).rpartition(".")[2]
    return int(text) if text.isdecimal() else 0


def _read(path: Path) -> list[Entry]:
    """Return the entries in a file, none if it does not exist: an incomplete last line belongs to no image."""
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [entry for line in lines if (entry := from_line(line)) is not None]
