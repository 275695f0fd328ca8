"""What goes wrong around a host while it is soaked: a locked database, a full disk, a receiver of webhooks that is down."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from ..tests.client import Record
from ..tests.receiver import Receiver

LOCKED, FULL, DEAF = "locked database", "full disk", "receiver down"
REFUSES = (LOCKED, FULL)
"""When a request may be refused."""
GRACE = 10.0
"""Seconds after an outage in which what began in it may still be answered."""


class Outages:
    """Which there are, one at a time, and when each was. Times are seconds since 1970."""

    def __init__(self) -> None:
        self.now: str | None = None
        self.over: list[tuple[str, float, float]] = []

    @contextlib.contextmanager
    def during(self, name: str, outage: AbstractContextManager[None]) -> Iterator[None]:
        """It is so within the `with` block."""
        began, self.now = time.time(), name
        try:
            with outage:
                yield
        finally:
            self.over.append((name, began, time.time()))
            self.now = None

    def excuse(self) -> str | None:
        """Return the outage that excuses a refusal at this moment, though another may have begun since."""
        if self.now in REFUSES:
            return self.now
        now = time.time()
        recent = (name for name, _, ended in reversed(self.over) if name in REFUSES and now - ended < GRACE)
        return next(recent, None)

    def met(self, record: Record, name: str) -> bool:
        """Whether a task was being drawn in an outage of this name."""
        started, finished = record["start_mills"] / 1000, record["finish_mills"] / 1000
        return any(began <= finished and started <= ended for kind, began, ended in self.over if kind == name)


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program has the database, and nobody else can write."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def deaf(receiver: Receiver) -> Iterator[None]:
    """Nobody listens at the receiver's port."""
    receiver.close()
    yield
    receiver.start()
