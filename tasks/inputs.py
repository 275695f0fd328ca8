"""Images that clients sent, each kept once by its content. The API writes and serves them, the engine reads them."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
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
