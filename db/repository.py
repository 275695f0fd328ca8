"""The one door to the database: a writer thread for every change, short connections for reads. Called by `tasks`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from peewee import Database, SqliteDatabase

from . import migrations
from .models import SchemaVersion, TaskRow, database

T = TypeVar("T")
JSON_COLUMNS = ("parameters", "images", "error")


class Repository:
    """Tasks on disk, as dictionaries of column values (the JSON columns as Python objects).

    Changes run one after the other on the writer thread and are committed before their future is done.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the SQLite database at `path` and bring its schema up to date.

        Raises:
            OSError, peewee.DatabaseError: it can't be opened or written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database: Database = SqliteDatabase(
            str(path),
            pragmas={"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": 10_000},
        )
        database.initialize(self._database)
        self._database.bind([TaskRow, SchemaVersion])
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-writer")
        self.write(lambda: migrations.migrate(self._database)).result()

    def write(self, change: Callable[[], T]) -> Future[T]:
        """Run `change` on the writer thread."""
        return self._writer.submit(change)

    def insert(self, values: dict[str, Any]) -> int:
        """Add a task and give its row id. On the writer thread only."""
        with self._database.atomic():
            return int(TaskRow.insert(_encoded(values)).execute())

    def update(self, task_id: str, values: dict[str, Any]) -> None:
        """Change columns of a task. On the writer thread only."""
        with self._database.atomic():
            TaskRow.update(_encoded(values)).where(TaskRow.task_id == task_id).execute()

    def end_unfinished(self, unfinished: Iterable[str], status: str, error: dict[str, str], finished_at: int) -> int:
        """Give every task whose status is one of `unfinished` this terminal one. On the writer thread only."""
        values = _encoded({"status": status, "error": error, "finished_at": finished_at})
        with self._database.atomic():
            return int(TaskRow.update(values).where(TaskRow.status.in_(list(unfinished))).execute())

    def get(self, task_id: str) -> dict[str, Any] | None:
        """One task, or None. Any thread but the event loop's."""
        with self._database.connection_context():
            row = TaskRow.select().where(TaskRow.task_id == task_id).dicts().first()
        return None if row is None else _decoded(row)

    def close(self) -> None:
        """Finish what is being written and close the database. May be called at exit, when the writer has ended by itself."""
        with contextlib.suppress(RuntimeError):
            self._writer.submit(self._database.close)
        self._writer.shutdown(wait=True)


def _encoded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: json.dumps(value, ensure_ascii=False, default=str) if key in JSON_COLUMNS and value is not None else value
        for key, value in values.items()
    }


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: json.loads(value) if key in JSON_COLUMNS and value is not None else value for key, value in row.items()
    }
