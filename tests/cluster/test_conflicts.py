"""Conflicts with other processes: the server rolls a transaction back, and the writer repeats its changes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest

from fooocus_api.db.locks import ADMISSION
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.db.tables import database
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.tests.support.databases.databases import PostgresPlace, inserted, row
from fooocus_api.tests.support.databases.postgres import PostgresServer


@pytest.fixture
def place(postgres: PostgresServer) -> PostgresPlace:
    return PostgresPlace(postgres)


@pytest.fixture
def repository(place: PostgresPlace) -> Iterator[Repository]:
    repository = Repository(place.location, Membership("a"))
    yield repository
    repository.close()


def connection(repository: Repository) -> int:
    """Return the number of the writer's connection."""
    return int(repository.write(lambda: database.execute_sql("SELECT pg_backend_pid()").fetchone()[0]).result(30))


def conflicting(times: int, then: Callable[[], object], state: str = "40P01") -> tuple[Callable[[], object], list[int]]:
    """Return a change that the server rolls back that often, and a list with an entry for each of its runs."""
    runs: list[int] = []

    def change() -> object:
        runs.append(len(runs))
        result = then()
        if len(runs) <= times:
            database.execute_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
        return result

    return change, runs


def test_a_deadlock_is_resolved_without_a_refusal(place: PostgresPlace, repository: Repository) -> None:
    first, second = inserted(repository, row(), row())
    before, has_first = connection(repository), threading.Event()

    def change() -> None:
        repository.update(first, {"title": "mine"})
        has_first.set()
        repository.update(second, {"title": "mine"})

    with contextlib.closing(psycopg.connect(place.location)) as other:
        other.execute("SET deadlock_timeout = '60s'")  # so that the server picks the writer
        other.execute("UPDATE task SET title = 'theirs' WHERE task_id = %s", (second,))
        done = repository.write(change)
        assert has_first.wait(30)
        other.execute("UPDATE task SET title = 'theirs' WHERE task_id = %s", (first,))
        other.commit()
    done.result(30)
    assert place.execute("SELECT DISTINCT title FROM task") == [("mine",)]
    assert (repository.problem, connection(repository)) == (None, before)


@pytest.mark.parametrize("state", ["40P01", "40001"])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_changes_that_are_repeated_happen_once(
    place: PostgresPlace, repository: Repository, times: int, state: str
) -> None:
    before, gate = connection(repository), threading.Event()
    repository.write(partial(gate.wait, 30))  # the changes behind it are committed together
    change, runs = conflicting(times, lambda: repository.insert(row(title="third")), state)
    changes = [lambda: repository.insert(row(title="first")), lambda: 1 / 0, change]
    futures = [repository.write(each) for each in changes]
    last = repository.write(lambda: repository.insert(row(title="last")))
    gate.set()
    assert last.result(30) and isinstance(futures[1].exception(30), ZeroDivisionError)
    assert len(runs) == times + 1
    assert sorted(place.execute("SELECT title FROM task")) == [("first",), ("last",), ("third",)]
    assert place.execute("SELECT sum(number) FROM task_tally") == [(3,)]
    assert (repository.problem, connection(repository)) == (None, before)


def test_a_change_that_never_succeeds_is_refused(place: PostgresPlace, repository: Repository) -> None:
    gate = threading.Event()
    repository.write(partial(gate.wait, 30))
    change, _ = conflicting(1000, lambda: None)
    refused, accepted = repository.write(change), repository.write(lambda: repository.insert(row()))
    gate.set()
    with pytest.raises(DatabaseUnavailable):
        refused.result(30)
    assert accepted.result(30)
    assert place.execute("SELECT count(*) FROM task") == [(1,)]


def test_a_lock_keeps_other_processes_waiting(place: PostgresPlace, repository: Repository) -> None:
    began = threading.Event()
    with contextlib.closing(psycopg.connect(place.location)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (ADMISSION,))
        held = repository.write(began.set, locks=(ADMISSION,))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while place.execute(waiting) == [(0,)]:
            assert not held.done()
        assert not began.is_set()
        other.commit()
        held.result(30)
    held_still = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = ?"
    assert place.execute(held_still, (ADMISSION,)) == [(0,)]


def test_a_writer_that_reconnects_has_its_locks_again(postgres: PostgresServer, repository: Repository) -> None:
    before = connection(repository)
    postgres.hang_up()
    assert connection(repository) != before
    assert repository.shard == 1
