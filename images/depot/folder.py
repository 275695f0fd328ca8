"""A depot in a folder that all machines of a cluster share."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ...files.replacing import delete_now, write_parts_atomically
from ...files.served_files import regular_file
from .depot import DepotProblem, DepotUnavailable

PIECE_BYTES = 2**20
UNFINISHED_S = 24 * 3600
"""Seconds after which a temporary file is one that an ended process has left."""


class FolderDepot:
    """A `Depot` in an existing folder.

    A node whose outputs folder is `<folder>/<its name>` copies nothing, as its images lie at their place.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder. It is not created: a share that is not mounted would be mistaken for an empty one.

        Raises:
            DepotProblem: it does not exist.
        """
        if not folder.is_dir():
            raise DepotProblem(
                f"the folder {folder} of --api-files does not exist; create it, or mount it, and start again"
            )
        self._folder = folder

    def put(self, key: str, content: Path | bytes) -> None:
        target = self.place(key)
        if isinstance(content, Path) and _is_same(content, target):
            return
        self._check()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f".{uuid.uuid4().hex}.tmp")
            write_parts_atomically(target, _pieces(content), unfinished)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and isinstance(content, Path) and not content.exists():
                raise
            raise DepotUnavailable(f"{target} can't be written: {error.strerror or error}") from error

    def local(self, key: str) -> Path | None:
        found = regular_file(self.place(key), [self._folder])
        if found is None:
            self._check()
        return found

    def place(self, key: str) -> Path:
        return self._folder.joinpath(*key.split("/"))

    def changed_at(self, key: str) -> float | None:
        try:
            return self.place(key).stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            self._check()
            return None
        except OSError as error:
            raise DepotUnavailable(f"{self.place(key)} can't be read: {error.strerror or error}") from error

    def delete(self, keys: Sequence[str]) -> dict[str, OSError]:
        stay: dict[str, OSError] = {}
        for key in keys:
            try:
                with suppress(FileNotFoundError):
                    delete_now(self.place(key))
                self._check()  # without the share no file exists
            except OSError as error:
                stay[key] = error
        return stay

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        self._check()
        for folder, _, names in os.walk(self.place(prefix)):
            for name in names:
                path = Path(folder, name)
                with suppress(OSError):
                    changed_at = path.stat().st_mtime
                    if not name.startswith("."):
                        yield path.relative_to(self._folder).as_posix(), changed_at
                    elif name.endswith(".tmp") and changed_at < time.time() - UNFINISHED_S:
                        delete_now(path)

    def _check(self) -> None:
        if not self._folder.is_dir():
            raise DepotUnavailable(f"the folder {self._folder} is missing; mount it, or check --api-files")


def _is_same(file: Path, target: Path) -> bool:
    try:
        return os.path.samefile(file, target)
    except OSError:
        return False


def _pieces(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
