"""Rounds of failures, each a random one of the matrix: no task is lost, and none ends twice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

from ...cluster.nodes.caretaker import CARETAKER_LOCK
from ...tests.support.client import wait_for
from ...tests.support.clusters.nodes import NODE_TIMEOUT_S, DemoCluster
from ...tests.support.databases.postgres import PostgresServer
from ...tests.support.hosts.preloaded import SERVERS
from ..frame import Options, Row
from .servers import NULL

ROUNDS = 200
TASKS = (3, 7)
STEPS = (5, 40)
STEP_MS = 20
Nodes = DemoCluster


def run(server: PostgresServer, options: Options) -> list[Row]:
    """Return a row per kind of failure.

    Raises:
        AssertionError: a task was lost or has ended twice; the message has the seed and the round.
    """
    chosen, rounds = random.Random(options.seed), options.rounds or ROUNDS
    print(f"seed {options.seed}, {rounds} rounds", flush=True)
    for one in SERVERS:  # hosts start often here
        one.enable()
    times: dict[str, list[float]] = {}
    tasks: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    with DemoCluster(server, 3, *NULL, step_ms=STEP_MS) as cluster:
        cluster.audit()
        for number in range(1, rounds + 1):
            name = chosen.choice([*ACTIONS])
            began = time.monotonic()
            ids = _submitted(cluster, chosen)
            time.sleep(chosen.random() * 0.6)
            try:
                ACTIONS[name](cluster, server, chosen)
                attempts[name] += _audited(cluster, ids) - len(ids)
            except BaseException:
                print(f"seed {options.seed}, round {number}: {name}", flush=True)
                raise
            times.setdefault(name, []).append(time.monotonic() - began)
            tasks[name] += len(ids)
            if number % 10 == 0:
                print(f"{number} rounds", flush=True)
    return [
        {
            "failure": name,
            "rounds": len(found),
            "tasks": tasks[name],
            "further_attempts": attempts[name],
            "lost": 0,
            "ended_twice": 0,
            "mean_s": sum(found) / len(found),
        }
        for name, found in sorted(times.items())
    ]


def check(rows: Sequence[Row]) -> None:
    """Do nothing: a task that is lost ends the run."""


def _submitted(cluster: Nodes, chosen: random.Random) -> list[str]:
    return [
        cluster.client(chosen.randrange(3)).submit(prompt="survives", overwrite_step=chosen.randint(*STEPS))["task_id"]
        for _ in range(chosen.randint(*TASKS))
    ]


def _audited(cluster: Nodes, ids: list[str]) -> int:
    """Wait for the ends of the tasks, check that each has finished once, and return the number of their attempts."""
    listed = ",".join(f"'{task_id}'" for task_id in ids)
    select = f"SELECT status, attempts FROM task WHERE task_id IN ({listed})"
    wait_for(lambda: all(status == "finished" for status, _ in cluster.rows(select)), "all tasks to finish", 120)
    found, ends = cluster.rows(select), cluster.ends()
    assert len(found) == len(ids)
    assert [ends[task_id] for task_id in ids] == [["finished"]] * len(ids), {one: ends[one] for one in ids}
    wait_for(lambda: cluster.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)], "no job to be left", 30)
    return sum(number for _, number in found)


# ---------------------------------------------------------------- failures


def _nothing(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    """Let the tasks end."""


def _killed(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    node = cluster.nodes[chosen.randrange(3)]
    node.kill()
    time.sleep(chosen.choice((0, NODE_TIMEOUT_S + 2)))
    node.start()


def _drained(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    node = cluster.nodes[chosen.randrange(3)]
    assert node.process is not None
    node.process.send_signal(signal.SIGTERM)
    node.process.wait(60)
    node.start()


def _paused(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    with cluster.paused(chosen.randrange(3)):
        time.sleep(chosen.choice((1, NODE_TIMEOUT_S + 3)))


def _database_restarted(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    server.restart_at_once()


def _database_away(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    server.stop(chosen.choice(("fast", "immediate")))
    time.sleep(chosen.choice((3, 2 * NODE_TIMEOUT_S + 1)))
    server.start()


def _connections_ended(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    for _ in range(3):
        server.hang_up()
        time.sleep(0.2)


def _notices_lost(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    cluster.change("ALTER TABLE task DISABLE TRIGGER fooocus_task_changes, DISABLE TRIGGER fooocus_task_updates")
    time.sleep(2)
    cluster.change("ALTER TABLE task ENABLE TRIGGER fooocus_task_changes, ENABLE TRIGGER fooocus_task_updates")


def _caretaker_killed(cluster: Nodes, server: PostgresServer, chosen: random.Random) -> None:
    found = cluster.rows(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
        f"WHERE locktype = 'advisory' AND objid = {CARETAKER_LOCK} AND granted"
    )
    node = cluster.nodes[int(found[0][0].rpartition("-")[2]) - 1 if found else 0]
    node.kill()
    time.sleep(chosen.choice((0, NODE_TIMEOUT_S + 2)))
    node.start()


ACTIONS: dict[str, Callable[[Nodes, PostgresServer, random.Random], None]] = {
    "none": _nothing,
    "node killed": _killed,
    "node drained": _drained,
    "node paused": _paused,
    "database restarted": _database_restarted,
    "database away": _database_away,
    "connections ended": _connections_ended,
    "notices lost": _notices_lost,
    "caretaker killed": _caretaker_killed,
}
