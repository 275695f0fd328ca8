"""Store of the images that clients sent, deduplicated by content. The API writes and serves them, the engine reads them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ...files.replacing import delete_now, discard, write_atomically
from ..codecs.decoding import as_kept

log = logging.getLogger("fooocus_api.images")

MAX_BYTES = 50 * 1024 * 1024
"""Maximum size of a client's image file, for any way of sending it."""

FILE_NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg|webp)")


class UnknownInput(KeyError):
    """No input has that file name."""


class StorageUnavailable(Exception):
    """An image can't be stored now: the disk is full or can't be written. The message gives the reason."""


class InputStore:
    """A folder of images named by their SHA-256, created on the first write. Thread-safe."""

    is_shared = False
    """True if other processes store and delete images here, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}
        self._lock = threading.Lock()

    def named(self, content: bytes) -> tuple[str, bytes]:
        """Return the file name of an image in this store, and the content to store. Writes nothing.

        Raises:
            NotAnImage: the content can't be used.
        """
        kept, extension = as_kept(content)
        return f"{hashlib.sha256(kept).hexdigest()}.{extension}", kept

    def add(self, content: bytes) -> str:
        """Store an image and return its file name. Idempotent.

        Raises:
            NotAnImage: the content can't be used.
            StorageUnavailable: the image can't be written.
        """
        file_name, kept = self.named(content)
        self.keep(self.hold({file_name: kept}))
        return file_name

    def hold(self, images: Mapping[str, bytes]) -> list[str]:
        """Write images, by the names of `named`, for a request that may still be rejected.

        Return the names of the images that were not stored permanently before; pass them to `keep` or `drop`.

        Raises:
            StorageUnavailable: the images can't be written. None remains.
        """
        undecided = [file_name for file_name in images if self._hold_if_new(file_name)]
        try:
            for file_name, content in images.items():
                self._write(file_name, content)
        except OSError as error:
            self.drop(undecided)
            log.error("input image not stored", extra={"reason": error.strerror})
            raise StorageUnavailable(f"image can't be stored: {error.strerror}") from error
        return undecided

    def keep(self, undecided: Iterable[str]) -> None:
        """Store held images permanently: their request was accepted."""
        with self._lock:
            for file_name in undecided:
                self._held.pop(file_name, None)

    def drop(self, undecided: Iterable[str]) -> None:
        """Delete held images: their request was rejected. Images that another request has stored or holds remain."""
        with self._lock:
            for file_name in undecided:
                if file_name not in self._held:
                    continue  # another request with this image was accepted
                self._held[file_name] -= 1
                if not self._held[file_name]:
                    del self._held[file_name]
                    discard(self._folder / file_name)

    def _hold_if_new(self, file_name: str) -> bool:
        """Hold an image for one more request. Return False without holding it if it is stored permanently."""
        with self._lock:
            if file_name not in self._held and (self._folder / file_name).is_file():
                return False
            self._held[file_name] = self._held.get(file_name, 0) + 1
            return True

    def _write(self, file_name: str, content: bytes) -> None:
        path = self._folder / file_name
        if path.is_file():
            with contextlib.suppress(OSError):  # the file exists, though it may be read-only
                os.utime(path)  # sent again: restarts the retention period
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            write_atomically(path, content)
        except OSError:
            if not path.is_file():  # on Windows a file that is being read can't be replaced, and need not be
                raise

    def path(self, file_name: str) -> Path:
        """Return the path of an input.

        Raises:
            UnknownInput: the input does not exist, or the name is not one of an input.
        """
        if not self.has(file_name):
            raise UnknownInput(file_name)
        return self._folder / file_name

    def has(self, file_name: str) -> bool:
        """Return whether an input with that name exists."""
        return FILE_NAME.fullmatch(file_name) is not None and (self._folder / file_name).is_file()

    def older_than(self, time: float, step: int) -> Iterator[list[str]]:
        """Yield the names of the inputs last sent before `time` (seconds since 1970), in batches of `step`.

        Temporary files of that age, left by interrupted writes, are deleted.
        """
        names: list[str] = []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                with contextlib.suppress(OSError):
                    if entry.stat().st_mtime >= time:
                        continue
                    if entry.name.endswith(".tmp"):
                        delete_now(Path(entry))
                    elif FILE_NAME.fullmatch(entry.name):
                        names.append(entry.name)
                if len(names) >= step:
                    yield names
                    names = []
        if names:
            yield names

    def remove(self, file_names: Sequence[str], before: float) -> int:
        """Delete these inputs, except those sent again since `before` (seconds since 1970). Return the number deleted."""
        gone = 0
        for file_name in file_names:
            path = self._folder / file_name
            with contextlib.suppress(OSError):  # being read, on Windows: the next sweep deletes it
                if path.stat().st_mtime < before:
                    delete_now(path)
                    gone += 1
        return gone
