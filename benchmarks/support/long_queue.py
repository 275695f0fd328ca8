"""Demo hosts that start with any number of pending tasks behind a running one that does not end."""

from __future__ import annotations

import sqlite3
import time
import uuid
from pathlib import Path

from ...tests.support.client import QUICK, Client
from ...tests.support.host import Host, demo_host

LONG_STEP_MS = 600_000
"""Milliseconds of a step: the first task runs as long as a benchmark."""
SOURCES = ("api", "key-1f3a77c0", "key-77c01f3a")


def host_with_queue(pending: int) -> Host:
    """Return a host, not started, whose history has one task that runs first, and this number of pending ones behind it."""
    host = demo_host("--max-pending", "100000", step_ms=LONG_STEP_MS)
    host.start()
    client = Client(host.url)
    running = client.submit(**QUICK, prompt="the running one")
    client.until(running["task_id"], "running")
    client.submit(**QUICK, prompt="one of many")
    host.stop()
    copy_pending(host.outputs / ".fooocus_api" / "tasks.sqlite3", pending)
    return host


def copy_pending(file: Path, number: int) -> None:
    """Replace the newest pending task of a history that no process has open by `number` copies, of three sources."""
    now = time.time_ns() // 1_000_000
    with sqlite3.connect(file) as database:
        database.row_factory = sqlite3.Row
        task = dict(database.execute("SELECT * FROM task WHERE status = 'pending' ORDER BY id DESC LIMIT 1").fetchone())
        content = dict(database.execute("SELECT * FROM task_parameters WHERE task_id = ?", (task["id"],)).fetchone())
        for table, column in ("task", "id"), ("task_parameters", "task_id"):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", (task["id"],))  # nosec B608  # constant names
        for row in range(task["id"], task["id"] + number):
            source = SOURCES[row % len(SOURCES)]
            copy = {**task, "id": row, "rank": row, "task_id": uuid.uuid4().hex, "source": source, "queued_at": now}
            _insert(database, "task", copy)
            _insert(database, "task_parameters", {**content, "task_id": row})
        database.execute(
            "UPDATE task_tally SET number = number + ? WHERE status = 'pending' AND day = ?",
            (number - 1, task["queued_at"] // 86_400_000),
        )
    database.close()


def _insert(database: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    names = ", ".join(row)
    database.execute(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})",  # nosec B608  # a table's own columns
        tuple(row.values()),
    )
