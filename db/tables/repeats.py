"""The tables for exact repetitions of tasks."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BlobField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    Model,
    TextField,
)

from .database import database
from .tasks import TaskRow


class RepeatRow(Model):
    """The record of a task's run, with all that its repetition needs and its request lacks. Written when the task starts.

    `seed` is its first image's, `state` that of the random generator at its first encoding of an image: null if it encoded none,
    empty if it could not be read. `host` and `models` are JSON text: the properties of the host, and the model files.
    """

    task = ForeignKeyField(TaskRow, primary_key=True, on_delete="CASCADE")
    seed = BigIntegerField(null=True)
    state = BlobField(null=True)
    host = TextField(null=True)
    models = TextField(null=True)

    class Meta:
        database = database
        table_name = "task_repeat"


class ModelHashRow(Model):
    """The SHA-256 of a model file as it was with this size and time of change, in nanoseconds since 1970."""

    path = CharField(max_length=1024)
    size = BigIntegerField()
    mtime_ns = BigIntegerField()
    sha256 = CharField(max_length=64)

    class Meta:
        database = database
        table_name = "model_hash"
        primary_key = CompositeKey("path", "size", "mtime_ns")
