"""The tables of tasks: their columns for lists, parameters, images, inputs, tags and daily counts."""

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


class TaskRow(Model):
    """One task: the columns that lists are filtered and sorted by. Narrow, so that a million rows can be scanned.

    Times are milliseconds since 1970, -1 while unknown. `rank` is the order in which pending tasks run, `words` the prompt in
    lower case for searching; `error` and `notes` are JSON text, or null. In a cluster, `node` is the name of the process that has
    taken it, and `worker` the number of that process's run.
    """

    id = AutoField()
    task_id = CharField(max_length=32, unique=True)
    source = CharField(max_length=64)
    status = CharField(max_length=16)
    model = CharField(max_length=255)
    words = TextField()
    rank = BigIntegerField()
    queued_at = BigIntegerField()
    started_at = BigIntegerField()
    finished_at = BigIntegerField()
    progress = IntegerField()
    title = TextField()
    attempts = IntegerField()
    webhook_url = TextField()
    error = TextField(null=True)
    notes = TextField(null=True)
    idempotency_key = CharField(max_length=64, null=True, unique=True)
    fingerprint = CharField(max_length=64, null=True)
    node = CharField(max_length=64, null=True)
    worker = BigIntegerField(null=True)

    class Meta:
        database = database
        table_name = "task"
        indexes = (
            # The id gives them the order of the lists; with the status they are covering indexes.
            (("queued_at", "id", "status"), False),
            (("status", "queued_at", "id"), False),
            (("source", "queued_at", "id", "status"), False),
            (("model", "queued_at", "id", "status"), False),
            # The order of the ends.
            (("finished_at", "id", "status"), False),
        )


class ParametersRow(Model):
    """A task's request parameters, as JSON text: some kilobytes that lists needn't read to find their page."""

    task = ForeignKeyField(TaskRow, primary_key=True, on_delete="CASCADE")
    parameters = TextField()
    downloads = TextField()

    class Meta:
        database = database
        table_name = "task_parameters"


class ImageRow(Model):
    """An image that a task generated. `path` is relative to the outputs folder, `kept` is false if Fooocus discards the file."""

    task = ForeignKeyField(TaskRow, on_delete="CASCADE")
    position = IntegerField()
    path = CharField(max_length=512, index=True)
    kept = BooleanField()
    metadata = TextField()
    seed = BigIntegerField(null=True)
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    format = CharField(max_length=16, null=True)

    class Meta:
        database = database
        table_name = "task_image"
        primary_key = CompositeKey("task", "position")
        indexes = ((("task", "path"), True),)


class InputRow(Model):
    """An input image of a task, by its file name among the inputs."""

    task = ForeignKeyField(TaskRow, on_delete="CASCADE")
    file_name = CharField(max_length=80, index=True)

    class Meta:
        database = database
        table_name = "task_input"
        primary_key = CompositeKey("task", "file_name")


class TagRow(Model):
    """A tag of a task. `queued_at` is the task's: with it the index has the order of the lists."""

    task = ForeignKeyField(TaskRow, on_delete="CASCADE")
    tag = CharField(max_length=64)
    queued_at = BigIntegerField()

    class Meta:
        database = database
        table_name = "task_tag"
        primary_key = CompositeKey("task", "tag")
        indexes = ((("tag", "queued_at", "task"), False),)


class TallyRow(Model):
    """The number of tasks of a status that were queued on a day, in days since 1970 in UTC: the sum over all shards.

    A shard has what one process of a cluster has counted, which may be negative; without a cluster there is only shard 0.
    """

    status = CharField(max_length=16)
    day = IntegerField()
    shard = IntegerField(default=0)
    number = IntegerField()

    class Meta:
        database = database
        table_name = "task_tally"
        primary_key = CompositeKey("status", "day", "shard")
