"""The one seam between an image's name in records and its file: in the outputs folders, and in a cluster also in the depot.

The name is the path relative to the outputs folder with forward slashes, `<date>/<file>`; in a cluster `<node>/<date>/<file>`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..depot.depot import DELETED, Depot, is_key
from ..file_kinds import format_of
from ..references import ImageReference
from .deleted_notes import DeletedNotes
from .input_store import InputStore, UnknownInput
from .library import output_file, relative_to

Folders = Callable[[], "list[Path]"]


class ImagePlaces(Protocol):
    """The ways to images' files. Any thread except the event loop's; in single mode each call is a few system calls."""

    def relative_path(self, path: str) -> str | None:
        """Return an image's name in records, None for a file outside this process's outputs folders."""

    def is_name(self, relative: str) -> bool:
        """Return whether a path has as many parts as an image's name in records has."""

    def find(self, relative: str) -> Path | None:
        """Return the file of an image by its name in records, None if there is none.

        Raises:
            OSError: the depot can't be read now.
        """

    def has_of_node(self, relative: str) -> bool:
        """Return whether an image exists whose name in records begins with its node, so that no other server has it.

        Raises:
            OSError: the depot can't be read now.
        """

    def find_reference(self, reference: str) -> Path:
        """Return the file of a reference.

        Raises:
            FileNotFoundError: the file does not exist.
            OSError: the depot can't be read now.
        """

    def named(self, own: str) -> str:
        """Return the name in records of a path in this process's outputs folders, or the beginning of names for that of paths."""

    def own(self, relative: str) -> str | None:
        """Return an image's path in this process's outputs folders, None for an image of another node."""

    def remove_elsewhere(self, paths: Sequence[str]) -> dict[str, tuple[Path, OSError]]:
        """Delete images outside of this process's outputs folders, and return the file of each that stays with the reason."""


class OwnPlaces:
    """`ImagePlaces` of a process without a cluster: all images are in its outputs folders."""

    def __init__(self, folders: Folders, inputs: InputStore) -> None:
        self._folders = folders
        self._inputs = inputs

    def relative_path(self, path: str) -> str | None:
        return relative_to(self._folders(), path)

    def is_name(self, relative: str) -> bool:
        return relative.count("/") == 1

    def find(self, relative: str) -> Path | None:
        return output_file(self._folders(), PurePosixPath(relative))

    def has_of_node(self, relative: str) -> bool:
        return False

    def find_reference(self, reference: str) -> Path:
        return _found(self, self._inputs, reference)

    def named(self, own: str) -> str:
        return own

    def own(self, relative: str) -> str | None:
        return relative

    def remove_elsewhere(self, paths: Sequence[str]) -> dict[str, tuple[Path, OSError]]:
        return {}


class ClusterPlaces:
    """`ImagePlaces` of a process of a cluster: its own images are in its outputs folders and in the depot, others in the depot.

    Records from before the cluster have names without a node: they are this process's own.
    """

    def __init__(self, folders: Folders, inputs: InputStore, depot: Depot, node: str, notes: DeletedNotes) -> None:
        """Store the parts.

        Args:
            folders: returns the current outputs folders, none in a process without Fooocus.
            node: the name of this process, as `check_node_name` returns it.
        """
        self._folders = folders
        self._inputs = inputs
        self._depot = depot
        self._node = node
        self._notes = notes

    def relative_path(self, path: str) -> str | None:
        if not Path(path).is_absolute():
            return path if is_key(path) else None  # an image that another node has announced
        relative = relative_to(self._folders(), path)
        return None if relative is None else self.named(relative)

    def is_name(self, relative: str) -> bool:
        return relative.count("/") in (1, 2)

    def find(self, relative: str) -> Path | None:
        own = self.own(relative)
        if own is not None and (path := self._in_folders(own)) is not None:
            return path
        if not is_key(relative) or relative.count("/") != 2 or format_of(Path(relative)) is None:
            return None
        return self._depot.local(relative)

    def has_of_node(self, relative: str) -> bool:
        return relative.count("/") == 2 and self.find(relative) is not None

    def find_reference(self, reference: str) -> Path:
        return _found(self, self._inputs, reference)

    def named(self, own: str) -> str:
        return f"{self._node}/{own}"

    def own(self, relative: str) -> str | None:
        node, _, rest = relative.partition("/")
        if "/" not in rest:
            return relative
        return rest if node == self._node else None

    def remove_elsewhere(self, paths: Sequence[str]) -> dict[str, tuple[Path, OSError]]:
        """Delete images in the depot. For those of another node a note comes first, by which it deletes what it has."""
        stay: dict[str, OSError] = {}
        keys = [path for path in paths if is_key(path) and path.count("/") == 2]
        for key in keys:
            if self.own(key) is None:
                try:
                    self._depot.put(f"{DELETED}/{key}", b"")
                except OSError as error:
                    stay[key] = error
        stay |= self._depot.delete([key for key in keys if key not in stay])
        return {key: (self._depot.place(key), error) for key, error in stay.items()}

    def _in_folders(self, relative: str) -> Path | None:
        if relative.count("/") != 1 or self._notes.is_deleted(relative):
            return None
        return output_file(self._folders(), PurePosixPath(relative))


def _found(places: ImagePlaces, inputs: InputStore, reference: str) -> Path:
    image = ImageReference.parse(reference)
    path = None
    if image is not None and image.kind == "inputs":
        with contextlib.suppress(UnknownInput):
            path = inputs.path(image.name)
    elif image is not None and places.is_name(image.name):
        path = places.find(image.name)
    if path is None:
        raise FileNotFoundError(reference)
    return path
