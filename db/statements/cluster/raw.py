"""Statements that are written as SQL, for what peewee has no words for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from peewee import Database

Values = Sequence[Any] | Mapping[str, Any]


def rows(database: Database, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
    """Run a statement on this thread's connection, and return its rows."""
    return list(database.execute_sql(statement, values).fetchall())


def first(database: Database, statement: str, values: Values = ()) -> tuple[Any, ...] | None:
    """Run a statement on this thread's connection, and return its first row, None without one."""
    found: tuple[Any, ...] | None = database.execute_sql(statement, values).fetchone()
    return found


def value(database: Database, statement: str, values: Values = ()) -> Any:
    """Run a statement that has one row, and return its first column."""
    found = first(database, statement, values)
    return None if found is None else found[0]


def change(database: Database, statement: str, values: Values = ()) -> None:
    """Run a statement without rows."""
    database.execute_sql(statement, values)
