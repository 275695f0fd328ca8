"""Invariants of a host's tasks, database and files after abuse, for the benchmarks that crash or overload it."""

from __future__ import annotations

import base64
import contextlib
import io
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from PIL import Image as PILImage

from ..support.client import ENDED, Client, Record
from ..support.host import Host


@dataclass
class SubmittedTask:
    """A task whose id was returned, and the actions requested for it since, whether or not their responses arrived."""

    images: int
    asked: set[str] = field(default_factory=set)
    deleted: bool = False


class Logging(Protocol):
    """Processes with a log."""

    def log(self) -> str:
        """Return the log."""

    def close(self) -> None:
        """Kill the processes, and delete their files."""


@contextlib.contextmanager
def repeatable(name: str, host: Logging, seed: int) -> Iterator[None]:
    """Print the seed, and add it to an AssertionError together with a saved copy of the host's log. Closes the host."""
    print(f"seed {seed}", flush=True)
    try:
        yield
    except AssertionError as error:
        kept = Path(tempfile.gettempdir(), f"fooocus-api-{name}-{seed}.log")
        kept.write_text(host.log(), encoding="utf-8")
        raise AssertionError(f"seed {seed}, the host's log is in {kept}: {error}") from error
    finally:
        host.close()


@contextlib.contextmanager
def database_of(host: Host) -> Iterator[sqlite3.Connection]:
    """Yield a connection to a copy of the host's history; the original stays unchanged."""
    state = host.outputs / ".fooocus_api"
    with tempfile.TemporaryDirectory(prefix="fooocus-api-copy-") as folder:
        for name in ("tasks.sqlite3", "tasks.sqlite3-wal"):
            if (state / name).exists():
                shutil.copy(state / name, folder)
        connection = sqlite3.connect(Path(folder, "tasks.sqlite3"))
        try:
            yield connection
        finally:
            connection.close()


def assert_database_is_sound(host: Host) -> None:
    """Check a stopped host's database: SQLite reports no error, and the counters match the rows."""
    with database_of(host) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'task_tally'").fetchone():
            return  # killed before the tables existed
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        tally = dict(database.execute("SELECT status, number FROM task_tally WHERE number <> 0"))
        counted = dict(database.execute("SELECT status, count(*) FROM task GROUP BY status"))
        assert tally == counted, f"the tally says {tally}, there are {counted}"
        whole = "SELECT count(*) FROM task LEFT JOIN task_parameters AS content ON content.task_id = task.id"
        assert database.execute(f"{whole} WHERE parameters IS NULL").fetchone() == (0,), "a task without parameters"


def assert_nothing_is_left_over(host: Host) -> tuple[int, int]:
    """Check a stopped host whose tasks have all ended: no orphan images, no missing ones, none listed twice.

    Returns:
        The number of rows and of images.
    """
    with database_of(host) as database:
        rows = dict(database.execute("SELECT task_id, status FROM task"))
        listed = [path for (path,) in database.execute("SELECT path FROM task_image")]
    left = [task_id for task_id, status in rows.items() if status not in ENDED]
    assert not left, f"not ended: {left}"
    twice = [path for path, number in Counter(listed).items() if number > 1]
    assert not twice, f"listed twice: {twice}"
    files = {path.relative_to(host.outputs).as_posix() for path in host.images()}
    assert not files - set(listed), f"files no record knows: {sorted(files - set(listed))}"
    assert not set(listed) - files, f"images that are gone: {sorted(set(listed) - files)}"
    entries = list((host.outputs / ".fooocus_api" / "unfinished").iterdir())
    assert not entries, f"journal entries that remain: {entries}"
    return len(rows), len(files)


def record_of(client: Client, task_id: str, given: SubmittedTask) -> tuple[Record, list[PILImage.Image]] | None:
    """Return the record of a task that must have ended, with its images; None if it was deleted.

    Raises:
        AssertionError: it is lost, or its record is inconsistent.
    """
    response = client.get(f"/tasks/{task_id}")
    if response.status_code == 404:
        assert "delete" in given.asked, f"task {task_id} is lost"
        return None
    assert response.status_code == 200, f"task {task_id}: {response.status_code} {response.text}"
    record = response.json()
    status: str = record["task_status"]
    assert not given.deleted, f"task {task_id} was deleted and is {status}"
    assert status in ENDED, f"task {task_id} is {status}"
    assert len(record["result"]) == len(set(record["result"])), f"task {task_id} lists an image twice"
    assert 0 <= record["attempts"] <= 2, record
    images = [client.image(url) for url in record["result"]]
    if status == "finished":
        least = 1 if "skip" in given.asked else given.images
        assert least <= len(images) <= given.images, f"task {task_id} has {len(images)} images"
        assert record["finish_mills"] >= record["start_mills"] >= record["in_queue_mills"] > 0, record
    elif status == "stopped":
        assert given.asked & {"stop", "skip", "delete"}, f"task {task_id} stopped without a request"
    else:
        assert record["error"]["message"], f"task {task_id} is {status} and does not say why"
    return record, images


def new_picture(chance: random.Random) -> bytes:
    """Return a small PNG of a random colour."""
    buffer = io.BytesIO()
    PILImage.new("RGB", (96, 64), tuple(chance.randrange(256) for _ in range(3))).save(buffer, "PNG")
    return buffer.getvalue()


def in_base64(content: bytes) -> str:
    """Return the content as a request expects it."""
    return base64.b64encode(content).decode()
