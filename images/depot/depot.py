"""The protocol of all kinds of depots, and the names of their files.

A key is a relative path with forward slashes: `<node>/<date>/<file>` for an output, `inputs/<file>` for an image that a client
sent, and `.deleted/<node>/<date>/<file>` for the note that another process has deleted that output.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ...files.paths import is_file_name

INPUTS = "inputs"
DELETED = ".deleted"
NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
NODE_NAME_RULE = "1 to 40 letters, digits, '.', '_' and '-', the first a letter or digit"


class DepotUnavailable(OSError):
    """The depot can't be read or written now; the message gives the reason. The same may be tried again."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EIO, reason)

    def __str__(self) -> str:
        return str(self.strerror)


class DepotProblem(Exception):
    """The depot can't be used at all; the message gives the reason and a remedy."""


class Depot(Protocol):
    """Image files by their keys. Any thread except the event loop's.

    A file is there as a whole or not at all. Each function but `delete` may raise `DepotUnavailable`.
    """

    def put(self, key: str, content: Path | bytes) -> None:
        """Store a file, which replaces an earlier one. A file that lies at its place already is not copied.

        Raises:
            FileNotFoundError: `content` is a path without a file.
        """

    def local(self, key: str) -> Path | None:
        """Return a file of this machine with the content, fetched if needed; None if the depot does not have the key now."""

    def place(self, key: str) -> Path:
        """Return where `local` puts a file. Reads nothing."""

    def changed_at(self, key: str) -> float | None:
        """Return the time of a key's last `put` in seconds since 1970, None if the depot does not have the key now."""

    def delete(self, keys: Sequence[str]) -> dict[str, OSError]:
        """Delete files, also those that do not exist, and return the reason for each that stays."""

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Yield each key below a folder, such as `inputs`, with the time of its last `put` in seconds since 1970."""


def check_node_name(name: str) -> str:
    """Return the name if a node may have it: it is a folder of the depot.

    Raises:
        ValueError: a node may not have it; the message gives the reason.
    """
    if not NODE_NAME.fullmatch(name):
        raise ValueError(f"node name {name!r} is invalid; it must have {NODE_NAME_RULE}")
    if name.lower() == INPUTS:
        raise ValueError(f"node name {name!r} is reserved for the images that clients send; choose another")
    return name


def is_key(key: str) -> bool:
    """Return whether a text can be the key of an image: it leads out of no folder and has no hidden part."""
    parts = key.split("/")
    return 2 <= len(parts) <= 3 and all(is_file_name(part) and not part.startswith(".") for part in parts)
