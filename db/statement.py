"""SQL that is built once: peewee takes ten times as long to build a small statement as a database to run it. Called by this
room, for what is written at every task's start and end, and for the record that clients ask for again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import AsIs, Query, Value

from .models import database


@dataclass(frozen=True)
class _Slot:
    name: str


def slot(name: str) -> Value:
    """Where a statement gets the value of that name when it runs, as the column keeps it: peewee converts none of them."""
    return AsIs(_Slot(name), converter=False)


class Statement:
    """A query with slots instead of values, run with other values each time."""

    def __init__(self, build: Callable[[], Query]) -> None:
        """`build` makes the query of the models; it is called once for each kind of database, and not before it is needed."""
        self._build = build
        self._built: dict[type, tuple[str, list[str]]] = {}

    def run(self, **values: Any) -> Any:
        """Execute it with a value for each slot: a cursor of the database's driver."""
        kind = type(database.obj)
        if kind not in self._built:
            sql, slots = self._build().sql()
            self._built[kind] = sql, [filled.name for filled in slots]
        sql, names = self._built[kind]
        return database.execute_sql(sql, [values[name] for name in names])
