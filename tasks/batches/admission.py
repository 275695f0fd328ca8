"""Conditions under which a batch's next row is queued: its key still allows it, and the disk has space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...auth.keys import UNLIMITED, BrokenKeys, Key, KeyQuota, Scope
from .model import Pause

ROWS_OF_ONE = 4
ROWS_PER_NODE = 2
"""Rows of one batch in the queue of one worker, which never waits for a row; a stop takes few of them back."""
BATCHES_AT_ONCE = 4
"""Batches that may have all of their rows in the queue."""
MIN_FREE_BYTES = 64 * 2**20
"""Bytes that must be free on the disk of the outputs: more than the images of the rows in the queue."""
DISK_RETRY_S = 5.0
KEY_RETRY_S = 30.0
WITHOUT_KEY = "api"
"""Source of the batches of clients without a key."""


def rows_of_nodes(nodes: int) -> int:
    """Return the number of rows of one batch that this number of nodes may have in the queue."""
    return max(ROWS_OF_ONE, ROWS_PER_NODE * nodes)


class Admission:
    """Decides about the next row of a source, and how many rows of a batch are in the queue."""

    def __init__(
        self,
        named: Callable[[str], list[Key]],
        free_bytes: Callable[[], int | None],
        most_rows: Callable[[], int] = lambda: ROWS_OF_ONE,
    ) -> None:
        """Store the functions that return the keys of a name, the free bytes on the disk of the outputs, None if unknown, and
        the number of rows of one batch in the queue."""
        self._named = named
        self._free_bytes = free_bytes
        self._most_rows = most_rows

    def rows_of_one(self) -> int:
        """Return the number of rows of one batch in the queue."""
        return self._most_rows()

    def rows_of_all(self) -> int:
        """Return the number of rows of all batches in the queue."""
        return BATCHES_AT_ONCE * self._most_rows()

    def disk(self) -> Pause | None:
        """Return the reason why no batch queues a row now, None without one."""
        free = self._free_bytes()
        if free is None or free >= MIN_FREE_BYTES:
            return None
        reason = f"the disk of the outputs is full: fewer than {MIN_FREE_BYTES // 2**20} MiB are free; free some space"
        return Pause("disk_full", reason, DISK_RETRY_S)

    def quota(self, source: str) -> KeyQuota | Pause:
        """Return the quota of a source's rows, or the reason why it has none.

        One pending task of the quota is left to the key's other requests, if it allows more than one.
        """
        if source == WITHOUT_KEY:
            return UNLIMITED
        try:
            keys = self._named(source)
        except BrokenKeys:
            return Pause("key_unusable", "the list of API keys can't be used; see Fooocus's console", KEY_RETRY_S)
        if not keys:
            return Pause("key_unusable", f"the key {source} does not exist any more; delete the batch", KEY_RETRY_S)
        key = next((key for key in keys if Scope.GENERATE in key.scopes), None)
        if key is None:
            return Pause("key_unusable", f"the key {source} has lost the scope 'generate'", KEY_RETRY_S)
        most = key.limits.pending_tasks
        return key.limits if most is None else replace(key.limits, pending_tasks=max(1, most - 1))
