"""Images that clients sent, each kept once by its content. The API writes and serves them, the engine reads them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from .pictures import verify

MAX_BYTES = 50 * 1024 * 1024
"""The largest image file that is taken from a client, however it is sent."""

FILE_NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg|webp)")


class UnknownInput(KeyError):
    """There is no input of that file name."""


class InputStore:
    """A folder of images named by their SHA-256. Any thread may call it; the folder is made when first written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file_name(self, content: bytes) -> str:
        """The name this content has or would have here. Writes nothing.

        Raises:
            NotAnImage: it is no image that can be used.
        """
        return f"{hashlib.sha256(content).hexdigest()}.{verify(content)}"

    def add(self, content: bytes) -> str:
        """Keep an image and give its file name. Adding it again changes nothing.

        Raises:
            NotAnImage: it is no image that can be used.
            OSError: it can't be written.
        """
        file_name = self.file_name(content)
        self.write(file_name, content)
        return file_name

    def write(self, file_name: str, content: bytes) -> None:
        """Keep content under the name that `file_name` gave for it.

        Raises:
            OSError: it can't be written.
        """
        path = self._folder / file_name
        if path.is_file():
            os.utime(path)  # sent again: it is not one that nobody uses
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f".{uuid.uuid4().hex}.tmp"
        try:
            with unfinished.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # its name promises its content, also after a power cut
            os.replace(unfinished, path)
        except OSError:
            if not path.is_file():  # on Windows it can't be replaced while it is read, and need not be
                raise
        finally:
            unfinished.unlink(missing_ok=True)

    def path(self, file_name: str) -> Path:
        """Where an input lies.

        Raises:
            UnknownInput: there is none of that name, or inputs have no such names.
        """
        path = self._folder / file_name
        if not FILE_NAME.fullmatch(file_name) or not path.is_file():
            raise UnknownInput(file_name)
        return path

    def older_than(self, time: float, step: int) -> Iterator[list[str]]:
        """Names of the inputs last sent before `time` (seconds since 1970), some at a time; and half written files go."""
        names: list[str] = []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime >= time:
                        continue
                    if entry.name.endswith(".tmp"):
                        os.unlink(entry)
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
                    path.unlink()
                    gone += 1
        return gone
