"""Numbered migrations from an empty or older database to the current schema. They run when the database is opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    CharField,
    Database,
    IntegerField,
    Model,
    PostgresqlDatabase,
    SqliteDatabase,
    TextField,
    chunked,
)
from playhouse.migrate import SchemaMigrator
from playhouse.migrate import migrate as alter

from .encoding import as_json, plain
from .statements import daily_counts
from .tables import (
    TABLES,
    AttemptRow,
    BatchItemRow,
    BatchRow,
    ClientOptionRow,
    ImageRow,
    InputRow,
    ModelHashRow,
    NodeRow,
    ParametersRow,
    RepeatRow,
    SchemaVersion,
    SearchChunkRow,
    SearchSetRow,
    SessionRow,
    SettingRow,
    TagRow,
    TallyRow,
    TaskRow,
    TurnRow,
    UploadRow,
    UsageRow,
    WebhookRow,
)
from .tables import database as proxy

TALLIES_AT_ONCE = 100
"""Rows in one statement: some SQLite versions take no more than 999 values."""
TABLE_NAMES = [table._meta.table_name for table in TABLES]


class WrongDatabase(Exception):
    """The database was written by a newer version of the extension, or by another program."""


def _one_table(_: Database) -> None:
    FirstTaskRow.create_table()


def _lists_of_any_length(database: Database) -> None:
    """Move parameters, images and inputs to tables of their own, and add columns for the filters of lists."""
    migrator = SchemaMigrator.from_database(database)
    alter(migrator.rename_table("task", "task_1"))
    for index in database.get_indexes("task_1"):
        if index.columns != ["id"]:  # the new table reuses the other names
            alter(migrator.drop_index("task_1", index.name))
    for table in (TaskRow, ParametersRow, ImageRow, InputRow, TallyRow):
        table.create_table()
    FirstTaskRow._meta.set_table_name("task_1")
    try:
        for old in FirstTaskRow.select().order_by(FirstTaskRow.id).dicts().iterator():
            _move(old)
        FirstTaskRow.drop_table()
    finally:
        FirstTaskRow._meta.set_table_name("task")
    if isinstance(database, PostgresqlDatabase):  # its sequence counts only the ids it has assigned itself
        database.execute_sql("SELECT setval(pg_get_serial_sequence('task', 'id'), max(id)) FROM task")


def _move(old: dict[str, Any]) -> None:
    parameters = json.loads(old["parameters"])
    same = {name: old[name] for name in old if name not in ("parameters", "images")}
    TaskRow.insert(
        **same,
        model=plain(str(parameters.get("base_model_name") or "")),
        words=plain(str(parameters.get("prompt") or "")).casefold(),
        rank=old["id"],
    ).execute()
    ParametersRow.insert(task=old["id"], parameters=old["parameters"], downloads="[]").execute()
    for position, image in enumerate(json.loads(old["images"])):
        ImageRow.insert(
            **{**image, "metadata": as_json(image["metadata"])},
            task=old["id"],
            position=position,
            kept=True,
        ).on_conflict_ignore().execute()


def _outbox(_: Database) -> None:
    """Create the webhook outbox and the table of its delivery attempts."""
    for table in (WebhookRow, AttemptRow):
        table.create_table()


def _days(database: Database) -> None:
    """Count tasks by day, and index the filters of lists in the order of the lists."""
    TallyRow.drop_table()
    TallyRow.create_table()
    daily_counts.recount()
    migrator = SchemaMigrator.from_database(database)
    for index in database.get_indexes("task"):
        if len(index.columns) == 2:
            alter(migrator.drop_index("task", index.name))
    TaskRow.create_table()  # creates the missing indexes


def _whose_is_what(_: Database) -> None:
    """Create the tables of the inputs' uploaders and of the images that each source has requested today."""
    for table in (UploadRow, UsageRow):
        table.create_table()


def _notes(database: Database) -> None:
    """Add the `notes` column to tasks, unless an earlier step has created the table from the current model."""
    if "notes" not in {column.name for column in database.get_columns("task")}:
        migrator = SchemaMigrator.from_database(database)
        alter(migrator.add_column("task", "notes", TextField(null=True)))


def _index_of_words(database: Database) -> None:
    """Create the tables of the index of words. It is filled in the background."""
    SearchChunkRow.create_table()
    # With the key as the table itself, SQLite reads a set in one step.
    suffix = " WITHOUT ROWID" if isinstance(database, SqliteDatabase) else ""
    sql, values = SearchSetRow._schema._create_table(safe=True).query()
    database.execute_sql(sql + suffix, values)


def _tags_and_ends(_: Database) -> None:
    """Create the table of tags, and the index of the tasks by the time of their end."""
    TagRow.create_table()
    TaskRow.create_table()  # creates the missing index


def _repeats(_: Database) -> None:
    """Create the tables for exact repetitions of tasks."""
    for table in (RepeatRow, ModelHashRow):
        table.create_table()


def _batches(database: Database) -> None:
    """Create the tables of batches and their rows. SQLite gives the number of a deleted batch again, unless it counts."""
    if isinstance(database, SqliteDatabase):
        sql, values = BatchRow._schema._create_table(safe=True).query()
        database.execute_sql(sql.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT", 1), values)
    for table in (BatchRow, BatchItemRow):
        table.create_table()  # creates the missing indexes


def _client_options(_: Database) -> None:
    """Create the table of the options that clients of compatible APIs set."""
    ClientOptionRow.create_table()


def _settings(_: Database) -> None:
    """Create the table of settings that a restart keeps."""
    SettingRow.create_table()


def _cluster(database: Database) -> None:
    """Create the tables of a cluster, and the columns by which its processes share the tasks and the daily counts."""
    for table in (NodeRow, TurnRow):
        table.create_table()
    present = {column.name for column in database.get_columns("task")}
    new = [field for field in (TaskRow.node, TaskRow.worker) if field.name not in present]
    migrator = SchemaMigrator.from_database(database)
    alter(*(migrator.add_column("task", field.name, field) for field in new))
    if "shard" not in {column.name for column in database.get_columns("task_tally")}:
        counted = TallyRow.select(TallyRow.status, TallyRow.day, TallyRow.number).tuples()
        rows = [{"status": status, "day": day, "shard": 0, "number": number} for status, day, number in counted]
        TallyRow.drop_table()
        TallyRow.create_table()
        for part in chunked(rows, TALLIES_AT_ONCE):
            TallyRow.insert_many(part).execute()


def _sessions(_: Database) -> None:
    """Create the table of the browsers that are signed in by a key."""
    SessionRow.create_table()


class FirstTaskRow(Model):
    """The only table of schema 1."""

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
        database = proxy
        table_name = "task"


MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    _one_table,
    _lists_of_any_length,
    _outbox,
    _days,
    _whose_is_what,
    _notes,
    _index_of_words,
    _tags_and_ends,
    _repeats,
    _batches,
    _client_options,
    _settings,
    _sessions,
    _cluster,
)
"""Migration N brings the schema from version N to N+1. Append only."""
WITHOUT_BACKUP = (
    *(_outbox, _whose_is_what, _index_of_words, _tags_and_ends, _repeats, _batches, _client_options),
    _settings,
    _sessions,
    _cluster,
)
"""Migrations that change nothing that an earlier version has stored, and so need no backup of it."""


def migrate(
    database: Database, back_up: Callable[[int, list[str]], None], need_to_be_alone: Callable[[], None]
) -> None:
    """Run the pending migrations in one transaction, after `back_up` has saved the tables of an older version if they change.

    `need_to_be_alone` raises an exception if other processes use the database.

    Raises:
        WrongDatabase: the schema is newer than this version, or another program has tables of the same names.
    """
    version = _version(database)
    if version > len(MIGRATIONS):
        raise WrongDatabase(
            f"its schema {version} is newer than this extension's schema {len(MIGRATIONS)}; update the extension"
        )
    if version == len(MIGRATIONS):
        return
    need_to_be_alone()
    present = [table for table in database.get_tables() if table in TABLE_NAMES]
    if present and "schema_version" not in present:
        raise WrongDatabase(f"it has tables of another program: {', '.join(present)}; use another --api-db")
    if version > 0 and not set(MIGRATIONS[version:]) <= set(WITHOUT_BACKUP):
        back_up(version, present)
    with _without_foreign_keys(database), database.atomic():
        SchemaVersion.create_table(safe=True)
        for migration in MIGRATIONS[version:]:
            migration(database)
        SchemaVersion.delete().execute()
        SchemaVersion.create(version=len(MIGRATIONS))


def _version(database: Database) -> int:
    if not database.table_exists("schema_version"):
        return 0
    row = SchemaVersion.get_or_none()
    return 0 if row is None else int(row.version)


class _without_foreign_keys:
    """Disables SQLite's foreign keys, or dropping a table would delete its dependent rows. Works outside transactions only."""

    def __init__(self, database: Database) -> None:
        self._database = database if isinstance(database, SqliteDatabase) else None

    def __enter__(self) -> None:
        if self._database:
            self._database.execute_sql("PRAGMA foreign_keys = OFF")

    def __exit__(self, *_: object) -> None:
        if self._database:
            self._database.execute_sql("PRAGMA foreign_keys = ON")
