"""Depots for tests: a folder, and a bucket of an S3-like server."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from fooocus_api.images.depot.depot import Depot, DepotUnavailable


class AwayDepot:
    """A depot in front of another one that can be away: then each call fails as it does without a network."""

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self._is_away = threading.Event()
        self.refused = threading.Event()
        """Set by each call that was refused."""

    def leave(self) -> None:
        self._is_away.set()

    def come_back(self) -> None:
        self._is_away.clear()

    def put(self, key: str, content: Path | bytes) -> None:
        self._check()
        self._depot.put(key, content)

    def local(self, key: str) -> Path | None:
        self._check()
        return self._depot.local(key)

    def place(self, key: str) -> Path:
        return self._depot.place(key)

    def changed_at(self, key: str) -> float | None:
        self._check()
        return self._depot.changed_at(key)

    def delete(self, keys: Sequence[str]) -> dict[str, OSError]:
        try:
            self._check()
        except DepotUnavailable as error:
            return dict.fromkeys(keys, error)
        return self._depot.delete(keys)

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        self._check()
        return self._depot.keys(prefix)

    def _check(self) -> None:
        if self._is_away.is_set():
            self.refused.set()
            raise DepotUnavailable("the depot is away")
