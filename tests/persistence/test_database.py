"""The database as a whole: its migrations, and its lock against a second process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.db import migrations
from fooocus_api.db.connection import DatabaseProblem
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.daily_counts import DAY_MS
from fooocus_api.db.statements.task_pages import Filter
from fooocus_api.db.tables import TaskRow
from fooocus_api.tests.conftest import ROOT
from fooocus_api.tests.support.databases.databases import Place, PostgresPlace, inserted, row
from fooocus_api.tests.support.databases.postgres import PASSWORD, PostgresServer

# ----------------------------------------------------- older and newer ones

FIRST_SCHEMA = """
    CREATE TABLE task (
        id {serial} PRIMARY KEY, task_id VARCHAR(32) NOT NULL, source VARCHAR(64) NOT NULL,
        status VARCHAR(16) NOT NULL, parameters TEXT NOT NULL, queued_at BIGINT NOT NULL, started_at BIGINT NOT NULL,
        finished_at BIGINT NOT NULL, progress INTEGER NOT NULL, title TEXT NOT NULL, webhook_url TEXT NOT NULL,
        images TEXT NOT NULL, error TEXT, attempts INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX task_task_id ON task (task_id);
    CREATE INDEX task_source ON task (source);
    CREATE INDEX task_status ON task (status);
    CREATE INDEX task_queued_at ON task (queued_at);
    CREATE TABLE schema_version (id {serial} PRIMARY KEY, version INTEGER NOT NULL);
    INSERT INTO schema_version (version) VALUES (1);
"""
OLD_IMAGE = {"path": "a.png", "metadata": {"seed": "5"}, "seed": 5, "width": 8, "height": 9, "format": "png"}


def old_database(place: Place) -> list[tuple[Any, ...]]:
    """Create a database as the first version of the extension left it, and return its rows."""
    sqlite = isinstance(place.location, Path)
    for statement in FIRST_SCHEMA.format(serial="INTEGER NOT NULL" if sqlite else "SERIAL NOT NULL").split(";"):
        if statement.strip():
            place.execute(statement)
    rows = [
        (
            number + 1,
            f"{number:032x}",
            "webui" if number % 3 else "api",
            ("finished", "failed", "pending", "running")[number % 4],
            json.dumps(
                {"prompt": f"Katze \x00 {number}\ud83d", "base_model_name": "m.safetensors" if number else None}
            ),
            1000 + number,
            *(-1, -1, 0, "", ""),
            json.dumps(
                [{**OLD_IMAGE, "path": name} for name in ("a.png", "b.png", "a.png")] if number % 4 == 0 else []
            ),
            json.dumps({"type": "ValueError", "message": "no"}) if number % 4 == 1 else None,
            1,
        )
        for number in range(20)
    ]
    for values in rows:
        place.execute(f"INSERT INTO task VALUES ({', '.join('?' * len(values))})", values)
    if not sqlite:
        place.execute("SELECT setval('task_id_seq', 20)")
    return rows


def test_an_old_database_is_brought_up_to_date_and_kept_beside(place: Place) -> None:
    old = old_database(place)
    repository = Repository(place.location)
    found = repository.read(lambda: repository.page(Filter(), 0, 99, newest_first=False))
    assert [(item["id"], item["task_id"], item["source"], item["status"]) for item in found] == [row[:4] for row in old]
    assert [item["parameters"] for item in found] == [json.loads(row[4]) for row in old]
    assert all(item["rank"] == item["id"] and item["downloads"] == [] for item in found)
    images = [{**OLD_IMAGE, "path": name, "kept": True} for name in ("a.png", "b.png")]
    assert [item["images"] for item in found] == [images if number % 4 == 0 else [] for number in range(20)]
    assert found[1]["error"] == {"type": "ValueError", "message": "no"}
    criteria = Filter(prompt_words=("KATZE", "7"), model="m.safetensors")
    assert [item["id"] for item in repository.read(lambda: repository.page(criteria, 0, 99))] == [18, 8]
    assert repository.read(lambda: repository.count(Filter(statuses=("pending",)))) == (5, False)
    (new,) = inserted(repository, row())
    assert repository.read(lambda: repository.get(new))["id"] == 21  # type: ignore[index]
    repository.close()
    assert place.backup() == list(range(1, 21))
    assert place.execute("SELECT version FROM schema_version") == [(len(migrations.MIGRATIONS),)]
    Repository(place.location).close()  # with no migration left to run


def test_a_claim_that_is_let_go_a_moment_later_is_waited_for(postgres: PostgresServer) -> None:
    location, claimed = PostgresPlace(postgres).location, threading.Event()

    def hold_it_for_a_moment() -> None:
        repository = Repository(location)
        claimed.set()
        time.sleep(0.5)
        repository.close()

    holder = threading.Thread(target=hold_it_for_a_moment)
    holder.start()
    assert claimed.wait(30)
    Repository(location).close()
    holder.join()


def test_a_database_that_counts_without_days_learns_them(place: Place) -> None:
    Repository(place.location).close()
    new = sorted(index_columns(place))
    place.execute("DROP TABLE task_tally")
    place.execute("CREATE TABLE task_tally (status VARCHAR(16) NOT NULL PRIMARY KEY, number INTEGER NOT NULL)")
    place.execute("DROP INDEX taskrow_queued_at_id_status")
    place.execute("CREATE INDEX taskrow_queued_at_status ON task (queued_at, status)")
    place.execute("UPDATE schema_version SET version = 3")
    place.execute(
        "INSERT INTO task (id, task_id, source, status, model, words, rank, queued_at, started_at, finished_at, progress, "
        "title, attempts, webhook_url) VALUES (1, ?, '', 'failed', '', '', 1, ?, -1, -1, 0, '', 0, '')",
        ("0" * 32, 5 * DAY_MS + 1),
    )
    Repository(place.location).close()
    assert place.execute("SELECT status, day, number FROM task_tally") == [("failed", 5, 1)]
    assert sorted(index_columns(place)) == new


def index_columns(place: Place) -> list[list[str]]:
    repository = Repository(place.location)
    try:
        return [index.columns for index in repository.read(lambda: TaskRow._meta.database.get_indexes("task"))]
    finally:
        repository.close()


def test_a_migration_that_fails_half_way_leaves_all_as_it_was(place: Place) -> None:
    old = old_database(place)
    place.execute("UPDATE task SET images = ? WHERE id = 15", ("no JSON",))
    with pytest.raises(
        DatabaseProblem, match=r"can't be used: .*; check --api-db and that the database runs, or restore a copy of it"
    ):
        Repository(place.location)
    assert place.execute("SELECT version FROM schema_version") == [(1,)]
    assert [row[:14] for row in place.execute("SELECT * FROM task ORDER BY id")][:14] == old[:14]
    place.execute("UPDATE task SET images = ? WHERE id = 15", ("[]",))
    assert place.backup() == list(range(1, 21))
    for copy in Path(str(place.location)).parent.glob("tasks.schema1-*"):
        copy.unlink()  # it would have the same second in its name as the next backup
    repository = Repository(place.location)
    assert repository.read(lambda: repository.count(Filter())) == (20, False)
    repository.close()


def test_a_newer_database_is_left_alone(place: Place) -> None:
    Repository(place.location).close()
    newer = len(migrations.MIGRATIONS) + 1
    place.execute("UPDATE schema_version SET version = ?", (newer,))
    message = f"its schema {newer} is newer than this extension's schema {newer - 1}"
    with pytest.raises(DatabaseProblem, match=message):
        Repository(place.location)
    assert place.execute("SELECT version FROM schema_version") == [(newer,)]


def test_another_programs_database_is_left_alone(place: Place) -> None:
    place.execute("CREATE TABLE task (id INTEGER, title TEXT)")
    place.execute("INSERT INTO task VALUES (1, 'wash up')")
    with pytest.raises(DatabaseProblem, match="tables of another program: task"):
        Repository(place.location)
    assert place.execute("SELECT * FROM task") == [(1, "wash up")]


# ------------------------------------------------------------ the lock

OPEN = """
import sys
for name in sys.argv[2:]:
    sys.modules[name] = None
from load_package import load_package
load_package()
from fooocus_api.db.connection import DatabaseProblem
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.daily_counts import DAY_MS
from pathlib import Path
try:
    Repository(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])).close()
    print("opened")
except DatabaseProblem as problem:
    print(problem)
"""


def opened_elsewhere(location: Path | str, *, without: tuple[str, ...] = ()) -> str:
    """Return the output of another process that opens a database, `without` some modules."""
    command = [sys.executable, "-c", OPEN, str(location), *without]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert not done.stderr, done.stderr
    return done.stdout.strip()


def test_a_second_process_is_refused_until_the_first_has_ended(place: Place) -> None:
    repository = Repository(place.location)
    (task_id,) = inserted(repository, row())
    for _ in range(2):
        said = opened_elsewhere(place.location)
        assert "another Fooocus is running" in said and "--api-db" in said
    assert repository.read(lambda: repository.get(task_id))
    repository.close()
    assert opened_elsewhere(place.location) == "opened"


def test_without_its_driver_postgresql_says_what_to_install() -> None:
    said = opened_elsewhere(f"postgresql://u:{PASSWORD}@127.0.0.1/x", without=("psycopg", "psycopg2", "psycopg2cffi"))
    assert 'pip install "psycopg[binary]"' in said and "s3cret" not in said
