"""The store of clients' images in a cluster: all processes share those in the depot."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..depot.depot import INPUTS, Depot
from .input_store import FILE_NAME, InputStore, StorageUnavailable, UnknownInput

log = logging.getLogger("fooocus_api.images")

TOUCH_INTERVAL_S = 3600
"""Seconds after which an image that is sent again is stored again, which restarts its retention period."""


class DepotInputStore(InputStore):
    """An `InputStore` whose images are in the depot before `hold` and `add` return.

    An image of a rejected request stays until the retention deletes it: another process may have accepted it.
    """

    is_shared = True

    def __init__(self, depot: Depot) -> None:
        super().__init__(depot.place(INPUTS))
        self._depot = depot

    def hold(self, images: Mapping[str, bytes]) -> list[str]:
        """Store images. Nothing is left to decide.

        Raises:
            StorageUnavailable: the images can't be written.
        """
        try:
            for file_name, content in images.items():
                changed_at = self._depot.changed_at(_key(file_name))
                if changed_at is None or changed_at < time.time() - TOUCH_INTERVAL_S:
                    self._depot.put(_key(file_name), content)
        except OSError as error:
            log.error("input image not stored", extra={"reason": error.strerror})
            message = "image can't be stored: the shared folder or bucket does not answer; check --api-files"
            raise StorageUnavailable(message) from error
        return []

    def keep(self, undecided: Iterable[str]) -> None:
        """Do nothing: the images are stored."""

    def drop(self, undecided: Iterable[str]) -> None:
        """Do nothing: the retention deletes the images."""

    def path(self, file_name: str) -> Path:
        """Return the path of an input, fetched if needed.

        Raises:
            UnknownInput: the input does not exist, or the name is not one of an input.
            DepotUnavailable: it can't be fetched now.
        """
        path = self._depot.local(_key(file_name)) if FILE_NAME.fullmatch(file_name) else None
        if path is None:
            raise UnknownInput(file_name)
        return path

    def has(self, file_name: str) -> bool:
        """Return whether an input with that name exists.

        Raises:
            DepotUnavailable: that is not known now.
        """
        return FILE_NAME.fullmatch(file_name) is not None and self._depot.changed_at(_key(file_name)) is not None

    def older_than(self, time: float, step: int) -> Iterator[list[str]]:
        """Yield the names of the inputs last sent before `time` (seconds since 1970), in batches of `step`."""
        names: list[str] = []
        for key, changed_at in self._depot.keys(INPUTS):
            name = key.removeprefix(f"{INPUTS}/")
            if changed_at < time and FILE_NAME.fullmatch(name):
                names.append(name)
            if len(names) >= step:
                yield names
                names = []
        if names:
            yield names

    def remove(self, file_names: Sequence[str], before: float) -> int:
        """Delete these inputs, except those sent again since `before` (seconds since 1970). Return the number deleted."""
        old = []
        for file_name in file_names:
            changed_at = self._depot.changed_at(_key(file_name))
            if changed_at is not None and changed_at < before:
                old.append(_key(file_name))
        return len(old) - len(self._depot.delete(old))


def _key(file_name: str) -> str:
    return f"{INPUTS}/{file_name}"
