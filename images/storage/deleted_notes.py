"""Notes in the depot about images of this node that another process has deleted, by which this node deletes its own files."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..depot.depot import DELETED, Depot, DepotUnavailable

log = logging.getLogger("fooocus_api.images")

INTERVAL_S = 1.0
"""Seconds for which the notes that were read count, so that not each request for an image reads them."""
AWAY_INTERVAL_S = 10.0
"""Seconds after which a depot that was away is asked again."""
CLOCK_SKEW_S = 60
"""Seconds by which the clocks of two machines may differ."""


class DeletedNotes:
    """The notes for this node. Any thread except the event loop's."""

    def __init__(
        self,
        depot: Depot,
        node: str,
        find: Callable[[str], Path | None],
        remove: Callable[[Sequence[str]], Collection[str]],
    ) -> None:
        """Store the parts.

        Args:
            find: returns the file of an image in this process's outputs folders by `<date>/<file>`, None if there is none.
            remove: deletes such images with all that belongs to them, and returns those that stay for now.
        """
        self._depot = depot
        self._folder = f"{DELETED}/{node}"
        self._find = find
        self._remove = remove
        self._lock = threading.Lock()
        self._next_at = float("-inf")
        """The clock's time from which the notes are read again."""
        self._staying: frozenset[str] = frozenset()
        self._is_away = False

    def is_deleted(self, relative: str) -> bool:
        """Return whether another process has deleted an image, `<date>/<file>`, more than a second ago.

        What was deleted and is still here is deleted first. While the depot is away, what was known before counts: no process can
        leave a note then.
        """
        # A depot that answers slowly, or not at all, holds up one request of many.
        if time.monotonic() >= self._next_at and self._lock.acquire(blocking=False):
            try:
                self._sweep()
            finally:
                self._lock.release()
        return relative in self._staying

    def sweep(self) -> None:
        """Delete what other processes have deleted. Call it at the start and from time to time."""
        with self._lock:
            self._sweep()

    def _sweep(self) -> None:
        try:
            notes = {key.removeprefix(f"{self._folder}/"): at for key, at in self._depot.keys(self._folder)}
            self._is_away, self._next_at = False, time.monotonic() + INTERVAL_S
        except DepotUnavailable as error:
            if not self._is_away:
                log.warning("notes of deleted images not read; retrying later", extra={"reason": error.strerror})
            self._is_away, self._next_at = True, time.monotonic() + AWAY_INTERVAL_S
            return
        if not notes:
            self._staying = frozenset()
            return
        mine = [relative for relative, noted_at in notes.items() if not self._is_newer(relative, noted_at)]
        self._staying = frozenset(self._remove(mine)) if mine else frozenset()
        done = [relative for relative in notes if relative not in self._staying]
        self._depot.delete([f"{self._folder}/{relative}" for relative in done])
        log.info("images deleted that another process had deleted", extra={"images": len(done)})

    def _is_newer(self, relative: str, noted_at: float) -> bool:
        """Return whether the file is one that got a deleted one's name afterwards."""
        path = self._find(relative)
        try:
            return path is not None and path.stat().st_mtime > noted_at + CLOCK_SKEW_S
        except OSError:
            return False
