"""Several processes that change one database on PostgreSQL at the same time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fooocus_api.db.connection import Connection, DatabaseInUse, DatabaseProblem
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements import daily_counts
from fooocus_api.db.statements.filters import Filter
from fooocus_api.tests.support.cluster.processes import Processes
from fooocus_api.tests.support.databases.databases import PostgresPlace
from fooocus_api.tests.support.databases.postgres import PostgresServer


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


@pytest.fixture
def place(postgres: PostgresServer) -> PostgresPlace:
    return PostgresPlace(postgres)


def counted(place: PostgresPlace) -> dict[str, int]:
    """Return the number of tasks by status, and check that the counts of all shards agree with it."""
    by_day = f"SELECT status, queued_at / {daily_counts.DAY_MS}, count(*) FROM task GROUP BY 1, 2"
    tally = "SELECT status, day, sum(number) FROM task_tally GROUP BY 1, 2 HAVING sum(number) <> 0"
    assert sorted(place.execute(tally)) == sorted(place.execute(by_day))
    return dict(place.execute("SELECT status, count(*) FROM task GROUP BY 1"))


def test_processes_that_change_the_same_tasks_refuse_nothing_and_count_right(
    place: PostgresPlace, processes: Processes
) -> None:
    name = place.location.rpartition("/")[2]
    place.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '20ms'")  # usually a second, for which all wait
    lives = processes.do(place.location, "live", seconds=1.5)
    assert [(life["errors"], life["problems"]) for life in lives] == [({}, [])] * 4
    assert sorted(life["shard"] for life in lives) == [1, 2, 3, 4]
    statuses = counted(place)
    assert sum(statuses.values()) > 20 and len(statuses) > 2
    assert len(place.execute("SELECT DISTINCT shard FROM task_tally")) == 4
    assert place.execute("SELECT count(*) FROM source_usage") == [(1,)]
    ranks = [rank for (rank,) in place.execute("SELECT rank FROM task WHERE rank <= 0 AND status = 'pending'")]
    assert len(set(ranks)) == len(ranks)
    repository = Repository(place.location)  # without a cluster, all shards count, too
    assert repository.read(lambda: repository.count(Filter()))[0] == sum(statuses.values())
    assert repository.write(lambda: daily_counts.compact(2**31 - 1)).result() > 0
    assert repository.read(lambda: repository.count(Filter()))[0] == sum(statuses.values())
    repository.close()
    assert place.execute("SELECT DISTINCT shard FROM task_tally") == [(0,)]
    assert counted(place) == statuses


def test_an_idempotency_key_makes_one_task_for_all_processes(place: PostgresPlace, processes: Processes) -> None:
    keys = [f"key-{number}" for number in range(40)]
    answers = processes.do(place.location, "same", keys=keys)
    assert answers[1:] == answers[:-1]
    assert len(set(answers[0])) == len(keys)
    assert counted(place) == {"pending": len(keys)}


def test_no_change_of_tags_is_lost_to_another_of_the_same_moment(place: PostgresPlace, processes: Processes) -> None:
    (task_id,) = set(processes.do(place.location, "tag", key="tagged", number=25))
    expected = {f"tag-{shard}-{index}" for shard in range(1, 5) for index in range(25)}
    ((parameters,),) = place.execute("SELECT parameters FROM task_parameters")
    tags = json.loads(parameters)["tags"]
    assert len(tags) == 100 and set(tags) == expected
    stored = place.execute(
        "SELECT tag FROM task_tag JOIN task ON task.id = task_tag.task_id WHERE task.task_id = ?", (task_id,)
    )
    assert sorted(tag for (tag,) in stored) == sorted(tags)


def test_the_queue_takes_as_many_tasks_as_it_may(place: PostgresPlace, processes: Processes) -> None:
    answers = processes.do(place.location, "limited", number=30, source="api", within={}, max_pending=37)
    accepted = Counter(task_id is not None for answer in answers for task_id in answer)
    assert accepted == {True: 37, False: 83}
    assert counted(place) == {"pending": 37}


@pytest.mark.parametrize("limit", ["pending_tasks", "images_per_day"])
def test_a_key_may_do_as_much_as_its_quota(place: PostgresPlace, processes: Processes, limit: str) -> None:
    answers = processes.do(place.location, "limited", number=20, source="shop", within={limit: 23})
    assert sum(task_id is not None for answer in answers for task_id in answer) == 23
    assert counted(place) == {"pending": 23}


def test_processes_with_and_without_a_cluster_refuse_each_other(place: PostgresPlace) -> None:
    alone = Repository(place.location)
    assert refusal(place, Membership("a")) == (
        "a Fooocus without --cluster is running with this database; end it, or start it with --cluster, too"
    )
    alone.close()
    member = Repository(place.location, Membership("a"))
    assert member.shard == 1
    with ThreadPoolExecutor() as pool:  # each waits for two seconds
        same, single = pool.map(lambda membership: refusal(place, membership), (Membership("a"), None))
    assert same == "another process runs as node a; give this one another --node-name"
    assert (
        single
        == "another Fooocus is running with this database; give this one another --api-db, or --cluster if it joins a cluster"
    )
    place.execute("UPDATE schema_version SET version = version - 1")
    with pytest.raises(DatabaseProblem, match="its schema has to change, and other nodes use it"):
        Repository(place.location, Membership("b"))
    member.close()


def refusal(place: PostgresPlace, membership: Membership | None) -> str:
    """Return the reason why a process can't open the database."""
    with pytest.raises(DatabaseInUse) as problem:
        Connection(place.location, membership)
    return str(problem.value)


def test_a_process_keeps_its_number(place: PostgresPlace) -> None:
    for name, number in (("a", 1), ("b", 2), ("a", 1), ("c", 3)):
        repository = Repository(place.location, Membership(name))
        assert repository.shard == number
        repository.close()


def test_a_cluster_needs_postgresql(tmp_path: Path) -> None:
    with pytest.raises(DatabaseProblem, match="a cluster needs PostgreSQL"):
        Repository(tmp_path / "tasks.sqlite3", Membership("a"))
