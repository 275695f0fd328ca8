"""The tables. Called by this room only."""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    DatabaseProxy,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

database = DatabaseProxy()


class TaskRow(Model):
    """One task: what lists are filtered and sorted by. Narrow, so that a million of them can be looked through.

    Times are milliseconds since 1970, -1 while unknown. `rank` is the order in which pending tasks are drawn, `words` the
    prompt in lower case for searching, `error` and `notes` JSON text, null where there are none.
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

    class Meta:
        database = database
        table_name = "task"
        indexes = (
            # With the id they are in the order of the lists, with the status nothing else has to be read.
            (("queued_at", "id", "status"), False),
            (("status", "queued_at", "id"), False),
            (("source", "queued_at", "id", "status"), False),
            (("model", "queued_at", "id", "status"), False),
        )


class ParametersRow(Model):
    """What a task was asked to draw, as JSON text: some kilobytes that lists needn't read to find their page."""

    task = ForeignKeyField(TaskRow, primary_key=True, on_delete="CASCADE")
    parameters = TextField()
    downloads = TextField()

    class Meta:
        database = database
        table_name = "task_parameters"


class ImageRow(Model):
    """An image that came out of a task. `path` is relative to the outputs folder, `kept` false when Fooocus throws it away."""

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
    """An image that a task was given, by its file name among the inputs."""

    task = ForeignKeyField(TaskRow, on_delete="CASCADE")
    file_name = CharField(max_length=80, index=True)

    class Meta:
        database = database
        table_name = "task_input"
        primary_key = CompositeKey("task", "file_name")


class TallyRow(Model):
    """How many tasks of a status were queued on a day, in days since 1970 by UTC."""

    status = CharField(max_length=16)
    day = IntegerField()
    number = IntegerField()

    class Meta:
        database = database
        table_name = "task_tally"
        primary_key = CompositeKey("status", "day")


class WebhookRow(Model):
    """Whom to tell of a task's end, and how far that is. Its `state` is waiting (for that end), pending, delivered or failed.

    `url` is empty where it is the launch flag's; `receiver` is what deliveries to one place share, `base_url` what the URLs
    in the body begin with, as far as it is known. A pending one is due at `due_at`; `since` is when the tries began, and
    `tries` how many there were since.
    """

    task = ForeignKeyField(TaskRow, primary_key=True, on_delete="CASCADE")
    url = TextField()
    receiver = CharField(max_length=300)
    base_url = TextField()
    state = CharField(max_length=16)
    due_at = BigIntegerField()
    since = BigIntegerField()
    tries = IntegerField()

    class Meta:
        database = database
        table_name = "webhook"
        indexes = ((("state", "receiver", "due_at"), False),)


class AttemptRow(Model):
    """One try to deliver a webhook: when, how long it took, and the answer's status or why there was none."""

    id = AutoField()
    task = ForeignKeyField(TaskRow, on_delete="CASCADE")
    at = BigIntegerField()
    duration_ms = IntegerField()
    status = IntegerField(null=True)
    error = TextField(null=True)

    class Meta:
        database = database
        table_name = "webhook_attempt"


class UploadRow(Model):
    """Who has uploaded an input: until a task uses it, nothing else says whose it is."""

    file_name = CharField(max_length=80)
    source = CharField(max_length=64)

    class Meta:
        database = database
        table_name = "input_upload"
        primary_key = CompositeKey("file_name", "source")


class UsageRow(Model):
    """How many images a source has asked for on the last day on which it did; `day` counts from 1970, in UTC."""

    source = CharField(max_length=64, primary_key=True)
    day = IntegerField()
    images = IntegerField()

    class Meta:
        database = database
        table_name = "source_usage"


class SchemaVersion(Model):
    """The one row that says which migrations have run."""

    version = IntegerField()

    class Meta:
        database = database
        table_name = "schema_version"


TABLES = (
    *(TaskRow, ParametersRow, ImageRow, InputRow, TallyRow),
    *(WebhookRow, AttemptRow, UploadRow, UsageRow, SchemaVersion),
)
