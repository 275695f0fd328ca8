"""Numbered steps from an empty or older database to the current one. Run by the repository when it opens."""

from __future__ import annotations

from collections.abc import Callable

from peewee import Database

from .models import SchemaVersion, TaskRow


class NewerDatabase(Exception):
    """The database was written by a newer version of the extension."""


def _create_tasks() -> None:
    TaskRow.create_table()


MIGRATIONS: tuple[Callable[[], None], ...] = (_create_tasks,)
"""Migration N brings the schema from version N to N+1. Append only."""


def migrate(database: Database) -> None:
    """Run what has not run yet, each step in a transaction of its own.

    Raises:
        NewerDatabase: it has seen more steps than this version knows.
    """
    SchemaVersion.create_table(safe=True)
    row = SchemaVersion.get_or_none() or SchemaVersion.create(version=0)
    if row.version > len(MIGRATIONS):
        raise NewerDatabase(
            f"the database has schema {row.version}, this version of the extension knows {len(MIGRATIONS)}"
        )
    for migration in MIGRATIONS[row.version :]:
        with database.atomic():
            migration()
            row.version += 1
            row.save()
