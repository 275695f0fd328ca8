"""The insertion of a task in one statement, for processes that each have a server to wait for: single ones take three."""

from __future__ import annotations

from functools import cache
from typing import Any

from ...encoding import encoded
from ...tables import ParametersRow, TaskRow, database
from . import raw


def insert_with_content(values: dict[str, Any], content: dict[str, Any]) -> int:
    """Add a task without a rank, which gets that of its row id, and its parameters and downloads. Return its row id.

    Args:
        values: by the columns of `TaskRow`, without `id` and `rank`.
        content: `parameters` and `downloads`.
    """
    columns = tuple(values)
    given = [*encoded(values).values(), *encoded({name: content[name] for name in CONTENT}).values()]
    return int(raw.value(database.obj, _statement(columns), given))


CONTENT = ("parameters", "downloads")


@cache
def _statement(columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{getattr(TaskRow, column).column_name}"' for column in columns)
    places = ", ".join(["%s"] * len(columns))
    task, parameters = TaskRow._meta.table_name, ParametersRow._meta.table_name
    # The id's default comes first, as the table's first column, so that `currval` is this row's.
    return (
        f'WITH added AS (INSERT INTO "{task}" ({names}, "rank") '  # nosec B608  # names of the product's own tables
        f"VALUES ({places}, currval(pg_get_serial_sequence('{task}', 'id'))) RETURNING id), "
        f'content AS (INSERT INTO "{parameters}" ("{ParametersRow.task.column_name}", "parameters", "downloads") '
        "SELECT id, %s, %s FROM added) SELECT id FROM added"
    )
