"""Images that clients sent, each kept once by its content. The API writes and serves them, the engine reads them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..files.replacing import delete_now, discard, write_atomically
from .pictures import as_kept

log = logging.getLogger("fooocus_api.images")

MAX_BYTES = 50 * 1024 * 1024
"""The largest image file that is taken from a client, however it is sent."""

FILE_NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg|webp)")


class UnknownInput(KeyError):
    """There is no input of that file name."""


class StorageUnavailable(Exception):
    """An image can't be kept now: the disk is full, or can't be written. The message says why."""


class InputStore:
    """A folder of images named by their SHA-256. Any thread may call it; the folder is made when first written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}
        self._lock = threading.Lock()

    def named(self, content: bytes) -> tuple[str, bytes]:
        """Return the name that an image has or would have here, and the content as it is kept. Writes nothing.

        Raises:
            NotAnImage: it is no image that can be used.
        """
        kept, extension = as_kept(content)
        return f"{hashlib.sha256(kept).hexdigest()}.{extension}", kept

    def add(self, content: bytes) -> str:
        """Keep an image and give its file name. Adding it again changes nothing.

        Raises:
            NotAnImage: it is no image that can be used.
            StorageUnavailable: it can't be written.
        """
        file_name, kept = self.named(content)
        self.keep(self.hold({file_name: kept}))
        return file_name

    def hold(self, images: Mapping[str, bytes]) -> list[str]:
        """Write images, by the names that `named` gave them, for a request that may still be refused.

        Gives the names of those that were not here for good before: they are to be given to `keep` or `drop`.

        Raises:
            StorageUnavailable: they can't be written. None is left.
        """
        undecided = [file_name for file_name in images if self._take(file_name)]
        try:
            for file_name, content in images.items():
                self._write(file_name, content)
        except OSError as error:
            self.drop(undecided)
            log.error("input image not kept", extra={"reason": error.strerror})
            raise StorageUnavailable(f"the image can't be kept: {error.strerror}") from error
        return undecided

    def keep(self, undecided: Iterable[str]) -> None:
        """The request was accepted: its images stay."""
        with self._lock:
            for file_name in undecided:
                self._held.pop(file_name, None)

    def drop(self, undecided: Iterable[str]) -> None:
        """The request was refused: its images go, but for those that another one has brought as well."""
        with self._lock:
            for file_name in undecided:
                if file_name not in self._held:
                    continue  # another request with it was accepted
                self._held[file_name] -= 1
                if not self._held[file_name]:
                    del self._held[file_name]
                    discard(self._folder / file_name)

    def _take(self, file_name: str) -> bool:
        """Whether nobody has decided yet that this image stays."""
        with self._lock:
            if file_name not in self._held and (self._folder / file_name).is_file():
                return False
            self._held[file_name] = self._held.get(file_name, 0) + 1
            return True

    def _write(self, file_name: str, content: bytes) -> None:
        path = self._folder / file_name
        if path.is_file():
            with contextlib.suppress(OSError):  # it is there, be it read-only
                os.utime(path)  # sent again: its time of being unused begins again
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            write_atomically(path, content)
        except OSError:
            if not path.is_file():  # on Windows it can't be replaced while it is read, and need not be
                raise

    def path(self, file_name: str) -> Path:
        """Where an input lies.

        Raises:
            UnknownInput: there is none of that name, or inputs have no such names.
        """
        if not self.has(file_name):
            raise UnknownInput(file_name)
        return self._folder / file_name

    def has(self, file_name: str) -> bool:
        """Whether there is an input of that name."""
        return FILE_NAME.fullmatch(file_name) is not None and (self._folder / file_name).is_file()

    def older_than(self, time: float, step: int) -> Iterator[list[str]]:
        """Names of the inputs last sent before `time` (seconds since 1970), some at a time; and half written files go."""
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
        """Delete these inputs, except what was sent again since `before`; how many."""
        gone = 0
        for file_name in file_names:
            path = self._folder / file_name
            with contextlib.suppress(OSError):  # read just now, on Windows: the next sweep takes it
                if path.stat().st_mtime < before:
                    delete_now(path)
                    gone += 1
        return gone
