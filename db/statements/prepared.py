"""SQL that is built once: peewee takes ten times as long to build a small statement as a database to run it. For the writes at
every task's start and end, and for the record that clients poll."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import AsIs, Query, Value

from ..tables import database


@dataclass(frozen=True)
class _Slot:
    name: str


def param(name: str) -> Value:
    """Return a placeholder for the value of that name at run time, in its stored form: peewee converts none of them."""
    return AsIs(_Slot(name), converter=False)


class PreparedStatement:
    """A query with placeholders, run with other values each time."""

    def __init__(self, build: Callable[[], Query]) -> None:
        """Keep `build`, which returns the query. It is called once for each kind of database, on first use."""
        self._build = build
        self._built: dict[type, tuple[str, list[str]]] = {}

    def run(self, **values: Any) -> Any:
        """Execute the statement with a value for each placeholder, and return the driver's cursor."""
        kind = type(database.obj)
        if kind not in self._built:
            sql, slots = self._build().sql()
            self._built[kind] = sql, [filled.name for filled in slots]
        sql, names = self._built[kind]
        return database.execute_sql(sql, [values[name] for name in names])
