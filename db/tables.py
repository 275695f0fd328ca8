"""Peewee models of the tables. Used inside this package only."""

from __future__ import annotations

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
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
    """One task: the columns that lists are filtered and sorted by. Narrow, so that a million rows can be scanned.

    Times are milliseconds since 1970, -1 while unknown. `rank` is the order in which pending tasks run, `words` the prompt in
    lower case for searching; `error` and `notes` are JSON text, or null.
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
    """The number of tasks of a status that were queued on a day, in days since 1970 in UTC."""

    status = CharField(max_length=16)
    day = IntegerField()
    number = IntegerField()

    class Meta:
        database = database
        table_name = "task_tally"
        primary_key = CompositeKey("status", "day")


class WebhookRow(Model):
    """A task's message in the webhook outbox. Its `state` is waiting (for the task's end), pending, delivered or failed.

    `url` is empty if the launch flag's applies; deliveries to one place share a `receiver`; the URLs in the body begin with
    `base_url`, if it is known. A pending message is due at `due_at`; its attempts began at `since`, and there were `tries` since
    then.
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
    """One attempt to deliver a webhook: its time, its duration, and the answer's status or the reason why there was none."""

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
    """The source that uploaded an input: until a task uses the input, nothing else records its owner."""

    file_name = CharField(max_length=80)
    source = CharField(max_length=64)

    class Meta:
        database = database
        table_name = "input_upload"
        primary_key = CompositeKey("file_name", "source")


class UsageRow(Model):
    """The number of images that a source requested on the last day with a request; `day` counts from 1970, in UTC."""

    source = CharField(max_length=64, primary_key=True)
    day = IntegerField()
    images = IntegerField()

    class Meta:
        database = database
        table_name = "source_usage"


class SearchChunkRow(Model):
    """A chunk of row ids in the index of words. Until it `is_ready`, its sets are not complete and a search reads its tasks.

    Its tasks were queued from `first_queued_at` to `last_queued_at`, in the order of their ids if it `is_ordered`. If it is not
    `is_indexed`, its prompts are too long for sets.
    """

    chunk = IntegerField(primary_key=True)
    first_queued_at = BigIntegerField()
    last_queued_at = BigIntegerField()
    is_ordered = BooleanField()
    is_indexed = BooleanField()
    is_ready = BooleanField()

    class Meta:
        database = database
        table_name = "search_chunk"


class SearchSetRow(Model):
    """The set of a chunk's tasks whose prompts contain a part of a word; that of the empty part has the tasks that exist."""

    chunk = IntegerField()
    part = BlobField()
    rows = BlobField()

    class Meta:
        database = database
        table_name = "search_set"
        primary_key = CompositeKey("chunk", "part")


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


class SchemaVersion(Model):
    """The single row with the number of migrations that have run."""

    version = IntegerField()

    class Meta:
        database = database
        table_name = "schema_version"


TABLES = (
    *(TaskRow, ParametersRow, ImageRow, InputRow, TagRow, TallyRow),
    *(WebhookRow, AttemptRow, UploadRow, UsageRow, SearchChunkRow, SearchSetRow),
    *(RepeatRow, ModelHashRow, SchemaVersion),
)
