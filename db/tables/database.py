"""The database of the tables, which the repository names when it is opened, and the version of its schema."""

from __future__ import annotations

from peewee import DatabaseProxy, IntegerField, Model

database = DatabaseProxy()


class SchemaVersion(Model):
    """The single row with the number of migrations that have run."""

    version = IntegerField()

    class Meta:
        database = database
        table_name = "schema_version"
