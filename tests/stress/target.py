"""The processes under a soak: what a soak needs of a single host or of a cluster, and the single host."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ...benchmarks.frame import Row
from ...benchmarks.memory import figures_of
from ..support.client import Client
from ..support.databases.small_disk import SmallDisk
from ..support.host import Host
from ..support.keys import add_key, key_of
from ..support.servers.file_server import FileServer
from ..support.servers.webhook_receiver import Receiver
from .host_logs import assert_no_bugs_in
from .invariants import assert_database_is_sound, assert_nothing_is_left_over, database_of
from .outages import DISK_FULL, LOCKED, RECEIVER_DOWN, locked, receiver_down

ADMIN_KEY = "of-the-soak"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FLAGS = (
    *("--apikey", f"admin:{ADMIN_KEY}", "--allow-private-urls", "127.0.0.0/8"),
    *("--webhook-secret", SECRET, "--webhook-retry-seconds", "0.5"),
)
NODE_FLAGS = (*FLAGS, "--model-disk-reserve", "0.01")
MakeOutage = Callable[[], AbstractContextManager[None]]


class Target(Protocol):
    """The processes under a soak."""

    @property
    def models(self) -> FileServer | None:
        """Return the server of model files, None if the checkout is to stay unchanged."""

    @property
    def nodes(self) -> Sequence[str]:
        """Return the addresses of the processes that have Fooocus."""

    @property
    def gateways(self) -> Sequence[str]:
        """Return the addresses of further ones."""

    @property
    def allowed_growth(self) -> Mapping[str, int]:
        """Return the allowed growth of some figures of each process."""

    def start(self) -> object:
        """Start all."""

    def stop(self) -> object:
        """Stop all."""

    def close(self) -> None:
        """Kill all, and delete their files."""

    def log(self) -> str:
        """Return the log of all."""

    def bot_key(self) -> str:
        """Create the key named `bot`."""

    def outages(self, receiver: Receiver) -> Mapping[str, tuple[float, MakeOutage]]:
        """Return name → the start as a fraction of the time, and the outage."""

    def figures(self) -> Mapping[str, Row]:
        """Return process → its memory, threads, files and listeners."""

    def tasks(self) -> dict[str, str]:
        """Return task id → prompt of all rows. The processes have stopped."""

    def assert_is_sound(self, disk_was_full: bool) -> Row:
        """Check logs, rows and files of the stopped processes, and return some figures."""


def figures_at(url: str, pid: int) -> Row:
    """Return what a process uses, and its number of listeners."""
    with contextlib.closing(Client(url, ADMIN_KEY).session) as session:
        text = session.get(f"{url}/metrics", timeout=60).text
    listeners = re.search(r"^fooocus_api_listeners (\S+)", text, re.M)
    assert listeners is not None, text[:1000]
    return {**figures_of(pid), "listeners": int(float(listeners[1]))}


class SingleHost:
    """One host with its history in SQLite. It meets a locked database, a receiver that is down, and a full disk."""

    gateways: Sequence[str] = ()

    def __init__(
        self, host: Host, disk: SmallDisk | None, models: FileServer | None, allowed_growth: Mapping[str, int]
    ) -> None:
        self.host = host
        self.disk = disk
        self.models = models
        self.allowed_growth = allowed_growth
        self.start, self.stop, self.close, self.log = host.start, host.stop, host.close, host.log

    @property
    def nodes(self) -> Sequence[str]:
        return [self.host.url]

    def bot_key(self) -> str:
        return key_of(add_key(self.host, "bot"))

    def outages(self, receiver: Receiver) -> Mapping[str, tuple[float, MakeOutage]]:
        database = self.host.outputs / ".fooocus_api" / "tasks.sqlite3"
        found: dict[str, tuple[float, MakeOutage]] = {
            LOCKED: (0.3, lambda: locked(database)),
            RECEIVER_DOWN: (0.5, lambda: receiver_down(receiver)),
        }
        if self.disk is not None:
            found[DISK_FULL] = (0.7, self.disk.full)
        return found

    def figures(self) -> Mapping[str, Row]:
        assert self.host.process is not None
        return {"host": figures_at(self.host.url, self.host.process.pid)}

    def tasks(self) -> dict[str, str]:
        with database_of(self.host) as database:
            return dict(database.execute("SELECT task_id, words FROM task"))

    def assert_is_sound(self, disk_was_full: bool) -> Row:
        excused = assert_no_bugs_in(self.host.log(), disk_was_full=disk_was_full)
        assert_database_is_sound(self.host)
        rows, images = assert_nothing_is_left_over(self.host)
        return {"rows in the end": rows, "images in the end": images, "tracebacks of the full disk": excused}
