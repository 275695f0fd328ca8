"""The database of the tables and this process's shard, which the repository names when it is opened, and the schema's version."""

from __future__ import annotations

from peewee import DatabaseProxy, IntegerField, Model


class ShardProxy:
    """The number of this process's shard of the daily counts: no other process writes rows with it."""

    def __init__(self) -> None:
        self.number = 0

    @property
    def is_one_of_several(self) -> bool:
        """Return whether other processes may change the database at the same time."""
        return self.number > 0

    def initialize(self, number: int) -> None:
        """Set the number: 0 without a cluster, at least 1 in one."""
        self.number = number


database = DatabaseProxy()
shard = ShardProxy()


class SchemaVersion(Model):
    """The single row with the number of migrations that have run."""

    version = IntegerField()

    class Meta:
        database = database
        table_name = "schema_version"
