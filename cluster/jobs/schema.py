"""The schema of the queue in PostgreSQL: Procrastinate's own, an index for the claim, and the triggers that keep jobs and notices
in step with the tasks' rows."""

from __future__ import annotations

from pathlib import Path

from peewee import Database
from procrastinate.schema import SchemaManager

from ...db import locks
from ...db.connection import DatabaseInUse, DatabaseProblem
from ...db.statements.changes import settings
from ...db.statements.cluster import raw
from .connector import ThreadConnector

ENGINE_SETTING = "procrastinate_migration"
"""Setting with the name of the newest of Procrastinate's migrations in the database."""
OWN_SETTING = "cluster_schema"
OWN_VERSION = 2
"""Number of the schema below. Count it up with each change: a process with a newer one starts only once all others have ended."""


_OWN = """
CREATE INDEX IF NOT EXISTS fooocus_jobs_turn ON procrastinate_jobs
    ((args->>'source'), priority DESC, ((args->>'rank')::bigint), id) WHERE status = 'todo';

CREATE INDEX IF NOT EXISTS fooocus_jobs_rank ON procrastinate_jobs
    (((args->>'rank')::bigint), ((args->>'moved')::bigint), id) WHERE status = 'todo';

CREATE INDEX IF NOT EXISTS fooocus_jobs_last ON procrastinate_jobs
    ((args->>'last'), ((args->>'rank')::bigint), ((args->>'moved')::bigint), id) WHERE status = 'todo';

CREATE INDEX IF NOT EXISTS fooocus_turns ON source_turn (turn);

CREATE OR REPLACE FUNCTION fooocus_task_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('fooocus_changes', json_build_object('task', OLD.task_id, 'source', OLD.source, 'gone', true)::text);
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.rank <> OLD.rank OR NEW.notes IS DISTINCT FROM OLD.notes) AND NEW.status = 'pending' THEN
        UPDATE procrastinate_jobs SET args = args || jsonb_build_object(
            'rank', NEW.rank, 'last', COALESCE(NEW.notes LIKE '%"moved_to_end"%', false),
            'moved', COALESCE(substring(NEW.notes from '"moved_to_end": *([0-9]+)')::bigint, 0))
        WHERE queue_name = NEW.task_id AND status = 'todo';
    END IF;
    PERFORM pg_notify('fooocus_changes', json_build_object(
        'task', NEW.task_id, 'status', NEW.status, 'attempts', NEW.attempts, 'worker', NEW.worker,
        'new', TG_OP = 'INSERT')::text);
    RETURN NEW;
END;
$$;
DROP TRIGGER IF EXISTS fooocus_task_changes ON task;
CREATE TRIGGER fooocus_task_changes AFTER INSERT OR DELETE ON task
    FOR EACH ROW EXECUTE FUNCTION fooocus_task_changed();
DROP TRIGGER IF EXISTS fooocus_task_updates ON task;
CREATE TRIGGER fooocus_task_updates AFTER UPDATE OF status, rank, attempts, worker, notes ON task
    FOR EACH ROW WHEN ((OLD.status, OLD.rank, OLD.attempts) IS DISTINCT FROM (NEW.status, NEW.rank, NEW.attempts)
        OR OLD.worker IS DISTINCT FROM NEW.worker OR OLD.notes IS DISTINCT FROM NEW.notes)
    EXECUTE FUNCTION fooocus_task_changed();

CREATE OR REPLACE FUNCTION fooocus_setting_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('fooocus_changes', json_build_object('setting', COALESCE(NEW.name, OLD.name))::text);
    RETURN NULL;
END;
$$;
DROP TRIGGER IF EXISTS fooocus_setting_changes ON setting;
CREATE TRIGGER fooocus_setting_changes AFTER INSERT OR UPDATE OR DELETE ON setting
    FOR EACH ROW EXECUTE FUNCTION fooocus_setting_changed();

CREATE OR REPLACE FUNCTION fooocus_batch_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('fooocus_changes', json_build_object('batch', COALESCE(NEW.batch_id, OLD.batch_id))::text);
    RETURN NULL;
END;
$$;
DROP TRIGGER IF EXISTS fooocus_batch_changes ON batch;
CREATE TRIGGER fooocus_batch_changes AFTER INSERT OR UPDATE OR DELETE ON batch
    FOR EACH ROW EXECUTE FUNCTION fooocus_batch_changed();
"""


def install_schema(database: Database) -> None:
    """Create or migrate the queue's tables, in one transaction, one process at a time.

    Processes of several versions run together as long as all know the same schema. A change needs one process alone.

    Raises:
        DatabaseProblem: other processes use an older schema, or the schema is newer than this version.
        peewee.PeeweeException: the database refuses it; nothing was changed.
    """
    connector = ThreadConnector(database)
    with database.atomic():
        locks.take(database, (locks.SCHEMA,))
        migrations = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
        newest, known = migrations[-1].stem, settings.value_of(ENGINE_SETTING)
        own = int(settings.value_of(OWN_SETTING) or 0)
        if own > OWN_VERSION or (known is not None and known > newest):
            raise DatabaseProblem(
                "the cluster's queue has a newer schema than this extension knows; update the extension"
            )
        exists = raw.value(database, "SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
        if not exists:
            connector.connection.execute(SchemaManager.get_schema())
        elif known is not None and (known < newest or own < OWN_VERSION):
            _need_to_be_alone(database)
        if exists and known is not None and known < newest:
            for file in migrations:
                if file.stem > known:
                    connector.connection.execute(file.read_text(encoding="utf-8").encode())
        if known is None or known < newest:
            settings.set_value(ENGINE_SETTING, newest)
        if own < OWN_VERSION:
            connector.connection.execute(_OWN.encode())
            settings.set_value(OWN_SETTING, str(OWN_VERSION))


def _need_to_be_alone(database: Database) -> None:
    """Take the lock of a process without a cluster until the end of the transaction: each member holds it, too, but shared."""
    if not raw.value(database, "SELECT pg_try_advisory_xact_lock(%s)", (locks.ONE_PROCESS,)):
        raise DatabaseInUse(
            "the schema of the cluster's queue has to change, and other nodes use it; end all of them, then start this version"
        )
