"""Writes during an outage of the database: the required ones are retried, the others refused."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from peewee import SqliteDatabase

from fooocus_api.db.connection import DatabaseProblem
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.task_pages import Filter
from fooocus_api.db.tables import database
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.tests.support.client import Client, without_repeats
from fooocus_api.tests.support.databases.databases import Place, PostgresPlace, SqlitePlace, inserted, row
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import ROOT, Host

OTHER = """
import sys
sys.path.insert(0, ".")
from load_package import load_package
load_package()
from fooocus_api.db.repository import Repository
repository = Repository(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
repository.close()
"""
"""Another process that uses a database until its input ends."""


def impatient(repository: Repository) -> None:
    """Let SQLite wait only 20 ms for others' locks."""
    if isinstance(database.obj, SqliteDatabase):
        repository.write(lambda: database.pragma("busy_timeout", 20, permanent=True)).result(60)


def test_what_must_be_written_survives_an_outage_in_its_order(place: Place) -> None:
    repository = Repository(place.location)
    impatient(repository)
    (task_id,) = inserted(repository, row())
    done: list[str] = []
    with place.unwritable():
        started = repository.write(
            lambda: repository.update(task_id, {"status": "running", "progress": 1}),
            lambda _: done.append("started"),
            retry=True,
        )
        refused = repository.write(lambda: repository.insert(row()))
        assert isinstance(refused.exception(60), DatabaseUnavailable)
        assert repository.problem is not None
        ended = repository.write(
            lambda: repository.update(task_id, {"status": "finished", "progress": 100}),
            lambda _: done.append("ended"),
            retry=True,
        )
        more = [repository.write(lambda: None, lambda _: done.append("more"), retry=True) for _ in range(300)]
        assert isinstance(repository.write(lambda: repository.insert(row())).exception(60), DatabaseUnavailable)
        assert not started.done() and not ended.done()
    for future in (started, ended, more[-1]):
        future.result(60)
    assert done == ["started", "ended"] + ["more"] * 300
    assert not repository.problem
    found = repository.read(lambda: repository.get(task_id))
    assert found is not None and (found["status"], found["progress"]) == ("finished", 100)
    assert repository.read(lambda: repository.count(Filter())) == (1, False)
    repository.close()


def test_a_writer_that_is_closed_in_an_outage_ends_and_says_so(place: Place) -> None:
    repository = Repository(place.location)
    impatient(repository)
    with place.unwritable():
        waiting = [repository.write(lambda: repository.insert(row()), retry=True) for _ in range(300)]
        repository.close()
        assert all(isinstance(future.exception(60), DatabaseUnavailable) for future in waiting)
    assert isinstance(repository.write(lambda: 1, retry=True).exception(60), DatabaseUnavailable)
    assert isinstance(repository.submit_read(lambda: 1).exception(60), DatabaseUnavailable)
    repository.close()
    Repository(place.location).close()


def test_a_deletion_that_is_refused_leaves_all_as_it_was(demo: Host, client: Client) -> None:
    record = client.draw()
    state = demo.outputs / ".fooocus_api"
    with SqlitePlace(state / "tasks.sqlite3").unwritable():
        assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 503
    assert without_repeats(client.task(record["task_id"])) == without_repeats(record) and client.image(
        record["result"][0]
    )
    assert not (state / "unfinished" / record["task_id"]).exists()
    assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204


def test_a_server_that_hangs_up_is_called_again(postgres: PostgresServer) -> None:
    place = PostgresPlace(postgres)
    repository = Repository(place.location)
    inserted(repository, row())
    for number in range(2, 5):
        postgres.hang_up()
        assert repository.read(lambda: repository.count(Filter())) == (number - 1, False)
        repository.write(lambda: repository.insert(row())).result(60)
        assert repository.read(lambda: repository.count(Filter())) == (number, False)
    with pytest.raises(
        DatabaseProblem, match="is running with this database"
    ):  # the new connection holds the advisory lock as the old one did
        Repository(place.location)
    repository.close()


@pytest.mark.parametrize("others", [0, 1], ids=["alone", "with another"])
def test_a_change_whose_commit_is_cut_off_is_not_repeated(postgres: PostgresServer, others: int) -> None:
    """Cut the first commit off. It may have reached the disk, so that a repetition may insert its rows twice."""
    place = PostgresPlace(postgres)
    repository = Repository(place.location)
    place.execute("CREATE SEQUENCE commits")  # not undone by a rollback
    place.execute(
        "CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$"
    )
    place.execute(
        "CREATE CONSTRAINT TRIGGER cut_off AFTER INSERT ON task DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION cut_off()"
    )
    runs: list[int] = []
    has_begun, gate = threading.Event(), threading.Event()

    def hold() -> None:
        has_begun.set()
        gate.wait(60)

    def change() -> None:
        repository.insert(row())
        runs.append(len(runs))

    repository.write(hold)  # the changes that come while it runs are committed together
    assert has_begun.wait(60)
    futures = [repository.write(change), *(repository.write(lambda: None) for _ in range(others))]
    gate.set()
    assert [type(future.exception(60)) for future in futures] == [DatabaseUnavailable] * (1 + others)
    assert runs == [0]
    repository.write(change).result(60)
    assert runs == [0, 1] and place.execute("SELECT count(*) FROM task") == [(1,)]
    repository.close()


def test_a_database_taken_by_another_in_an_outage_is_left_to_it(postgres: PostgresServer) -> None:
    location = PostgresPlace(postgres).location
    repository = Repository(location)
    postgres.hang_up()
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, location], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == b"open\n"
        with pytest.raises(DatabaseUnavailable, match="is running with this database"):
            repository.write(lambda: repository.insert(row())).result(60)
    finally:
        other.communicate()
    written = repository.write(lambda: repository.insert(row()), retry=True)
    assert written.result(60) == 1
    repository.close()
