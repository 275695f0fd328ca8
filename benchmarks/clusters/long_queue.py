"""Submissions at the store, claims of 20 simulated nodes with 10,000 pending tasks, and a real node that follows them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import closing

from ...tests.support.client import Client
from ...tests.support.clusters.simulated import SimulatedNodes
from ...tests.support.databases.postgres import PostgresServer
from ...tests.support.host import Host
from ...tests.support.hosts.loops import WatchedHost
from ..frame import Options, Row
from ..support.long_queue import host_with_queue

PENDING, NODES = 10_000, 20
SUBMISSIONS = 1_000
CLAIM_S = 8.0
TIMES = 30
LEAST = {1: 250, 4: 700}
"""Required submissions a second, by the number of processes."""
MOST_LOOP_MS = 5.0
MOST_LIST = 2.0
"""Allowed factor of a list's time over that of a host alone, above a millisecond of noise."""
LISTS = ("/tasks?query=pending&page_size=10", "/tasks?query=pending&page_size=10&page=40", "/tasks?query=current")


def run(server: PostgresServer, options: Options) -> list[Row]:
    """Return a row per figure."""
    rows = [_submissions(server, number, options.tasks or SUBMISSIONS) for number in LEAST]
    alone = _lists_alone()
    location = server.new_database()
    pending = max(options.rows or (PENDING,))
    with SimulatedNodes(location, NODES) as nodes, closing(_host(location)) as host:
        nodes.submit(pending // NODES)
        client = Client(host.start().url)
        client.post("/v1/engine/pause")
        rows += [_list(client, path, alone[path]) for path in LISTS]
        client.post("/v1/engine/resume")
        since = host.mark()
        began = time.monotonic()
        claimed = nodes.claim(CLAIM_S)
        took = time.monotonic() - began
        held, callback = host.longest(since)
    rows.append({"what": f"claims of {NODES} nodes", "pending": pending, "per_second": claimed / took})
    rows.append({"what": f"loop of a node held by {callback[:60]}", "ms": held, "most": MOST_LOOP_MS})
    return rows


def check(rows: Sequence[Row]) -> None:
    """Fail if a figure is missed."""
    missed = [
        row for row in rows if row.get("per_second", 0) < row.get("least", 0) or row.get("ms", 0) > row.get("most", 0)
    ]
    assert not missed, missed


def _submissions(server: PostgresServer, number: int, tasks: int) -> Row:
    with SimulatedNodes(server.new_database(), number) as nodes:
        nodes.submit(50)
        seconds = nodes.submit(tasks)
    rate = number * tasks / max(seconds)
    return {"what": f"submissions of {number} processes", "per_second": rate, "least": LEAST[number]}


def _host(location: str) -> WatchedHost:
    place = (
        "--cluster",
        "--api-db",
        location,
        "--node-name",
        "real",
        "--node-timeout",
        "60",
        "--max-pending",
        "100000",
    )
    return WatchedHost(*place, step_ms=200)


def _lists_alone() -> dict[str, float]:
    """Return the milliseconds of each list on a host without a cluster."""
    host: Host = host_with_queue(PENDING)
    with host:
        client = Client(host.url)
        return {path: _median_ms(client, path) for path in LISTS}


def _list(client: Client, path: str, alone: float) -> Row:
    return {"what": f"GET {path}", "ms": _median_ms(client, path), "alone_ms": alone, "most": MOST_LIST * alone + 1}


def _median_ms(client: Client, path: str) -> float:
    times = []
    for _ in range(TIMES + 3):
        began = time.perf_counter()
        assert client.get(path).status_code == 200
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[3:])
