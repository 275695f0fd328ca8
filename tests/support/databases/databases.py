"""Databases for tests: their locations, and access to them that bypasses the repository."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from fooocus_api.adapters.task_args.workload_fields import workload_of
from fooocus_api.db.repository import Repository
from fooocus_api.tasks.model.rows import to_row
from fooocus_api.tasks.model.task import Task, new_task_id
from fooocus_api.tests.support.databases.postgres import PostgresServer


class Place(Protocol):
    """A database that is not open yet."""

    @property
    def location(self) -> Path | str:
        """Location in the form that `Repository` accepts."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement past the repository, with `?` for values, and return its rows."""

    def unwritable(self) -> contextlib.AbstractContextManager[None]:
        """Make every write fail within the `with` block."""

    def backup(self) -> list[int]:
        """Return the row ids in the backup of the first schema's table that a migration has left."""


class SqlitePlace:
    """An SQLite file."""

    def __init__(self, file: Path) -> None:
        self.location = file

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.location.parent.mkdir(exist_ok=True)
        return _sqlite(self.location, statement, values)

    @contextlib.contextmanager
    def unwritable(self) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self.location, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")

    def backup(self) -> list[int]:
        (file,) = self.location.parent.glob("tasks.schema1-*.sqlite3")
        return [row_id for (row_id,) in _sqlite(file, "SELECT id FROM task ORDER BY id", ())]


class PostgresPlace:
    """A database on a PostgreSQL server."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.location = server.new_database()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with contextlib.closing(psycopg.connect(self.location, autocommit=True)) as connection:
            cursor = connection.execute(statement.replace("?", "%s").encode(), values or None)
            return list(cursor.fetchall()) if cursor.description else []

    @contextlib.contextmanager
    def unwritable(self) -> Iterator[None]:
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()

    def backup(self) -> list[int]:
        return [row_id for (row_id,) in self.execute("SELECT id FROM task_schema1 ORDER BY id")]


def _sqlite(file: Path, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def row(**values: Any) -> dict[str, Any]:
    """Return a task's columns, as the domain passes them to the repository."""
    parameters = {"prompt": values.pop("prompt", "a cat"), "base_model_name": values.pop("model", "tiny.safetensors")}
    task = Task(new_task_id(), values.pop("source", "api"), values.pop("parameters", parameters))
    return {**to_row(task, workload_of(task.parameters, lambda _: None)), **values}


def image(path: str, **values: Any) -> dict[str, Any]:
    """Return an image's columns."""
    known = {"metadata": {"seed": "7"}, "seed": 7, "width": 64, "height": 32, "format": "png", "kept": True}
    return {"path": path, **known, **values}


def inserted(repository: Repository, *rows: dict[str, Any], inputs: Sequence[str] = ()) -> list[str]:
    """Insert the rows, wait for the commit and return their task ids."""
    repository.write(lambda: [repository.insert(values, inputs) for values in rows]).result(60)
    return [values["task_id"] for values in rows]
