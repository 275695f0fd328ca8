"""The model files that the living nodes have, by which each process knows the tasks that no node can take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from .registry import NodeRecord

Result = TypeVar("Result")
LIVING = ("starting", "idle", "busy", "full")
"""States of nodes that take tasks, now or once what keeps them is over."""


class Read(Protocol):
    """Runs a query on a reader's thread."""

    def __call__(self, query: Callable[[], Result]) -> Result: ...


class OfferedFiles:
    """Remembers the files of each node, and reads them again once its catalogue has another digest. One thread at a time."""

    def __init__(self, files: Callable[[str], frozenset[str] | None]) -> None:
        """Store the function that returns the files of a node by its name, None if it has not written them. It reads a row."""
        self._files = files
        self._known: dict[str, tuple[str, frozenset[str] | None]] = {}

    def look(self, nodes: Iterable[NodeRecord], read: Read) -> list[frozenset[str]] | None:
        """Return the files of each living node. None while those of one are not known, and without a living node: its tasks wait
        until one is back, whichever files they need."""
        living = [one for one in nodes if one.role == "node" and one.state in LIVING]
        known = {}
        for one in living:
            digest, files = self._known.get(one.name, ("", None))
            if one.digest and (digest != one.digest or files is None):
                files = read(lambda name=one.name: self._files(name))  # type: ignore[misc]
            known[one.name] = one.digest, files if one.digest else None
        self._known = known
        offered = [files for _, files in known.values() if files is not None]
        return offered if living and len(offered) == len(living) else None
