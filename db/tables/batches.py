"""The tables of batches and their rows."""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from .database import database


class BatchRow(Model):
    """A batch of requests. `base` are the parameters that its rows change, `inputs` the file names of the inputs that they use,
    both as JSON text; `sequence` counts the ends of rows.

    Times are milliseconds since 1970, -1 for none. Its message goes to `url`, or to the launch flag's receiver if that is empty;
    `delivery` is none, waiting (for the end), pending, delivered or failed, `answer` the last attempt as JSON text.
    """

    id = AutoField()
    batch_id = CharField(max_length=32, unique=True)
    source = CharField(max_length=64)
    state = CharField(max_length=16, index=True)
    created_at = BigIntegerField()
    ended_at = BigIntegerField()
    total = IntegerField()
    sequence = IntegerField()
    base = TextField()
    inputs = TextField()
    images_too = BooleanField()
    url = TextField()
    receiver = CharField(max_length=300)
    base_url = TextField()
    delivery = CharField(max_length=16, index=True)
    due_at = BigIntegerField()
    since = BigIntegerField()
    tries = IntegerField()
    answer = TextField(null=True)
    idempotency_key = CharField(max_length=64, null=True, unique=True)
    fingerprint = CharField(max_length=64, null=True)

    class Meta:
        database = database
        table_name = "batch"
        indexes = ((("source", "id"), False),)


class BatchItemRow(Model):
    """One request of a batch. `content` is its change of the batch's `base`, as JSON text, until it has succeeded; `sequence` is
    the number of its end, negative before it."""

    batch = ForeignKeyField(BatchRow, on_delete="CASCADE")
    number = IntegerField()
    custom_id = CharField(max_length=64)
    state = CharField(max_length=16)
    images = IntegerField()
    sequence = IntegerField()
    task_id = CharField(max_length=32, null=True)
    content = TextField(null=True)
    error = TextField(null=True)

    class Meta:
        database = database
        table_name = "batch_item"
        primary_key = CompositeKey("batch", "number")
        indexes = ((("batch", "state", "number", "images"), False), (("batch", "sequence"), False))
