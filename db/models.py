"""The tables. Called by the repository and the migrations only."""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, CharField, DatabaseProxy, IntegerField, Model, TextField

database = DatabaseProxy()


class TaskRow(Model):
    """One task. Times are milliseconds since 1970; parameters, images and error are JSON text."""

    id = AutoField()
    task_id = CharField(max_length=32, unique=True)
    source = CharField(max_length=64, index=True)
    status = CharField(max_length=16, index=True)
    parameters = TextField()
    queued_at = BigIntegerField(index=True)
    started_at = BigIntegerField()
    finished_at = BigIntegerField()
    progress = IntegerField()
    title = TextField()
    webhook_url = TextField()
    images = TextField()
    error = TextField(null=True)
    attempts = IntegerField()

    class Meta:
        database = database
        table_name = "task"


class SchemaVersion(Model):
    """The one row that says which migrations have run."""

    version = IntegerField()

    class Meta:
        database = database
        table_name = "schema_version"
