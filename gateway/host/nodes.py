"""The nodes that a gateway knows, and their merged catalogue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.merging import merged

NOT_HERE = "this process is a gateway without Fooocus; ask a node of the cluster, at its own address"

FRESH_S = 1.0
"""Seconds for which a look of the nodes into their folders counts."""


@dataclass(frozen=True)
class KnownNode:
    """A node: it takes tasks if it `is_serving`, and has a model in memory if it `has_model`. The catalogue is None until it is
    ready."""

    name: str
    is_serving: bool
    has_model: bool
    catalogue: dict[str, Any] | None = None


class Nodes:
    """The nodes as of the last look, and what they offer together. Thread-safe.

    Those that serve count; if there is none, those that have been there: their tasks wait until they are back.

    Args:
        look: returns all nodes, the same ones first. Called often: it should remember its result for a moment.
        look_again: has the nodes look into their folders, and `look` return what they have found. Slow.
    """

    def __init__(self, look: Callable[[], Sequence[KnownNode]], look_again: Callable[[], None] = lambda: None) -> None:
        self._look = look
        self._look_again = look_again
        self._looked_at = -FRESH_S
        self._looking = threading.Lock()
        self._lock = threading.Lock()
        self._merged: tuple[tuple[str, ...], dict[str, Any]] = ((), merged(()))

    def all(self) -> Sequence[KnownNode]:
        """Return all nodes."""
        return self._look()

    def serving(self) -> list[KnownNode]:
        """Return the nodes that take tasks."""
        return [one for one in self._look() if one.is_serving]

    def refresh(self) -> None:
        """Have the nodes look into their folders: a file may be new there, or gone. At most once a second."""
        with self._looking:
            if time.monotonic() - self._looked_at >= FRESH_S:
                self._look_again()
                self._looked_at = time.monotonic()

    def catalogue(self) -> dict[str, Any]:
        """Return what the nodes offer together; an empty catalogue before the first of them was there."""
        known = self.serving() or self._look()
        catalogues = [one.catalogue for one in known if one.catalogue is not None]
        digests = tuple(str(one.get("digest", "")) for one in catalogues)
        with self._lock:
            if self._merged[0] != digests:
                self._merged = digests, merged(catalogues)
            return self._merged[1]
