"""Upgrade of a long history that 0.1.0 has written: it opens with its tasks, and searches are right before and after indexing."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.db.search.row_sets import CHUNK
from fooocus_api.db.statements import search_sets
from fooocus_api.db.statements.daily_counts import DAY_MS
from fooocus_api.db.statements.filters import Filter
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.databases import Place, inserted, row
from fooocus_api.tests.support.databases.searched_history import Searched

SCHEMA_OF_0_1_0 = """
    CREATE TABLE schema_version (id {serial} PRIMARY KEY, version INTEGER NOT NULL);
    CREATE TABLE task (
        id {serial} PRIMARY KEY, task_id VARCHAR(32) NOT NULL, source VARCHAR(64) NOT NULL, status VARCHAR(16) NOT NULL,
        model VARCHAR(255) NOT NULL, words TEXT NOT NULL, rank BIGINT NOT NULL, queued_at BIGINT NOT NULL,
        started_at BIGINT NOT NULL, finished_at BIGINT NOT NULL, progress INTEGER NOT NULL, title TEXT NOT NULL,
        attempts INTEGER NOT NULL, webhook_url TEXT NOT NULL, error TEXT, idempotency_key VARCHAR(64), fingerprint VARCHAR(64)
    );
    CREATE UNIQUE INDEX taskrow_task_id ON task (task_id);
    CREATE UNIQUE INDEX taskrow_idempotency_key ON task (idempotency_key);
    CREATE INDEX taskrow_queued_at_id_status ON task (queued_at, id, status);
    CREATE INDEX taskrow_status_queued_at_id ON task (status, queued_at, id);
    CREATE INDEX taskrow_source_queued_at_id_status ON task (source, queued_at, id, status);
    CREATE INDEX taskrow_model_queued_at_id_status ON task (model, queued_at, id, status);
    CREATE TABLE task_parameters (
        task_id INTEGER NOT NULL PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE, parameters TEXT NOT NULL,
        downloads TEXT NOT NULL
    );
    CREATE TABLE task_image (
        task_id INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE, position INTEGER NOT NULL, path VARCHAR(512) NOT NULL,
        kept BOOLEAN NOT NULL, metadata TEXT NOT NULL, seed BIGINT, width INTEGER, height INTEGER, format VARCHAR(16),
        PRIMARY KEY (task_id, position)
    );
    CREATE INDEX imagerow_path ON task_image (path);
    CREATE TABLE task_input (
        task_id INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE, file_name VARCHAR(80) NOT NULL,
        PRIMARY KEY (task_id, file_name)
    );
    CREATE TABLE webhook (
        task_id INTEGER NOT NULL PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE, url TEXT NOT NULL,
        receiver VARCHAR(300) NOT NULL, base_url TEXT NOT NULL, state VARCHAR(16) NOT NULL, due_at BIGINT NOT NULL,
        since BIGINT NOT NULL, tries INTEGER NOT NULL
    );
    CREATE TABLE webhook_attempt (
        id {serial} PRIMARY KEY, task_id INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE, at BIGINT NOT NULL,
        duration_ms INTEGER NOT NULL, status INTEGER, error TEXT
    );
    CREATE TABLE task_tally (
        status VARCHAR(16) NOT NULL, day INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (status, day)
    );
    CREATE TABLE input_upload (
        file_name VARCHAR(80) NOT NULL, source VARCHAR(64) NOT NULL, PRIMARY KEY (file_name, source)
    );
    CREATE TABLE source_usage (source VARCHAR(64) NOT NULL PRIMARY KEY, day INTEGER NOT NULL, images INTEGER NOT NULL);
    INSERT INTO schema_version (version) VALUES (5);
"""
NUMBERS = "WITH RECURSIVE each (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < {number})"
TASKS = """
    INSERT INTO task (id, task_id, source, status, model, words, rank, queued_at, started_at, finished_at, progress, title,
        attempts, webhook_url)
    {numbers} SELECT n, 'task-' || n, CASE WHEN n % 3 = 0 THEN 'webui' ELSE 'api' END, 'finished', 'm.safetensors',
        'a cat 一只猫 number ' || n || CASE WHEN n % 2 = 0 THEN ' lighthouse' ELSE ' submarine' END, n, n * 1000, n * 1000 + 5,
        n * 1000 + 900, 100, '', 1, '' FROM each
"""
PARAMETERS = "INSERT INTO task_parameters SELECT id, '{\"prompt\": \"a cat\"}', '[]' FROM task"
IMAGES = """
    INSERT INTO task_image SELECT id, 0, '2026-01-01/' || id || '.png', {true}, '{{}}', 7, 64, 32, 'png' FROM task
    WHERE id % 2 = 0
"""
TALLY = "INSERT INTO task_tally SELECT status, queued_at / {day}, count(*) FROM task GROUP BY 1, 2"
SEARCHES = {
    ("cat",): 10_000,
    ("一只猫", "77"): None,
    ("lighthouse", "submarine"): 0,
    ("number", "4711"): None,
    ("none",): 0,
}
"""Words → the number of tasks with them, at most the number that is counted; None for any but 0."""


def history_of_0_1_0(place: Place, number: int) -> None:
    """Create a history with that many finished tasks; every second has an image."""
    is_sqlite = isinstance(place.location, Path)
    for statement in SCHEMA_OF_0_1_0.format(serial="INTEGER NOT NULL" if is_sqlite else "SERIAL NOT NULL").split(";"):
        if statement.strip():
            place.execute(statement)
    place.execute(TASKS.format(numbers=NUMBERS.format(number=number)))
    place.execute(PARAMETERS)
    place.execute(IMAGES.format(true="1" if is_sqlite else "true"))
    place.execute(TALLY.format(day=DAY_MS))
    if not is_sqlite:
        place.execute("SELECT setval(pg_get_serial_sequence('task', 'id'), max(id)) FROM task")


def check(repository: Repository, number: int) -> None:
    """Check the number of tasks, a record, and that each search finds what one row by row finds."""
    assert repository.read(lambda: repository.count(Filter())) == (number, False)
    record = repository.read(lambda: repository.get("task-4710"))
    assert record is not None and record["parameters"] == {"prompt": "a cat"} and record["notes"] is None
    assert [image["path"] for image in record["images"]] == ["2026-01-01/4710.png"]
    searched = Searched(repository, [])
    for words, found in SEARCHES.items():
        ids = searched.check(Filter(prompt_words=words, exclude_statuses=("pending", "running")))
        assert bool(ids) == (found != 0), words


@pytest.mark.parametrize("number", [10_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_a_long_history_of_0_1_0_is_searched_at_once_and_indexed_in_the_background(place: Place, number: int) -> None:
    history_of_0_1_0(place, number)
    repository = Repository(place.location)
    try:
        check(repository, number)
        assert repository.read(search_sets.chunks) == []
        repository.index_words()
        (new,) = inserted(repository, row(prompt="a cat number new", status="finished", queued_at=5))
        wait_for(lambda: repository.read(search_sets.next_chunk) is None, "the index", 300)
        wait_for(lambda: len(repository.read(search_sets.chunks)) == number // CHUNK, "the index", 300)
        repository.write(partial(repository.delete, new)).result(60)
        check(repository, number)
    finally:
        repository.close()


def test_a_history_of_0_2_0_is_not_copied(place: Place) -> None:
    """Check that no copy is made: the index changes no other table, and to copy a long history takes minutes."""
    history_of_0_1_0(place, 10)
    place.execute("ALTER TABLE task ADD COLUMN notes TEXT")
    place.execute("UPDATE schema_version SET version = 6")
    Repository(place.location).close()
    if isinstance(place.location, Path):
        assert list(place.location.parent.glob("*.schema*")) == []
    else:
        names = place.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert not any("schema6" in name for (name,) in names)
