"""Failures around a host during a soak: a locked database, a full disk, a webhook receiver that is down."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import requests

from ..support.client import Record
from ..support.servers.webhook_receiver import Receiver

LOCKED, DISK_FULL, RECEIVER_DOWN = "locked database", "full disk", "receiver down"
NODE_KILLED, NODE_DRAINED, DATABASE_RESTARTED = "killed node", "drained node", "restarted database"
REFUSES = (LOCKED, DISK_FULL, NODE_KILLED, NODE_DRAINED, DATABASE_RESTARTED)
"""Outages during which a request may be refused."""
BREAKS = (NODE_KILLED, NODE_DRAINED)
"""Outages that break connections."""
GRACE = 10.0
"""Seconds after an outage during which requests that began in it may still be answered."""


class Outages:
    """The current outage, at most one, and the times of past ones in seconds since 1970."""

    def __init__(self) -> None:
        self.now: str | None = None
        self.over: list[tuple[str, float, float]] = []

    @contextlib.contextmanager
    def during(self, name: str, outage: AbstractContextManager[None]) -> Iterator[None]:
        """Keep the outage up within the `with` block, and record it."""
        began, self.now = time.time(), name
        try:
            with outage:
                yield
        finally:
            self.over.append((name, began, time.time()))
            self.now = None

    def excuse(self) -> str | None:
        """Return the outage that excuses a refusal now: the current one, or one within its grace period."""
        if self.now in REFUSES:
            return self.now
        now = time.time()
        recent = (name for name, _, ended in reversed(self.over) if name in REFUSES and now - ended < GRACE)
        return next(recent, None)

    def broken(self) -> tuple[type[Exception], ...]:
        """Return the errors of connections that the current outage excuses, or one within its grace period."""
        now = time.time()
        breaks = self.now in BREAKS or any(name in BREAKS and now - ended < GRACE for name, _, ended in self.over)
        return (requests.RequestException, OSError) if breaks else ()

    def met(self, record: Record, name: str, since: str = "start_mills") -> bool:
        """Return whether a task was running, or known since another time, during an outage of this name."""
        started, finished = record[since] / 1000, record["finish_mills"] / 1000
        return any(began <= finished and started <= ended for kind, began, ended in self.over if kind == name)


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Lock the database exclusively, so that no other process can write."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def receiver_down(receiver: Receiver) -> Iterator[None]:
    """Close the receiver's port."""
    receiver.close()
    yield
    receiver.start()
