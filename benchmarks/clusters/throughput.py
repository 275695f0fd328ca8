"""Throughput of one, three and six nodes with the null engine at 256×256, pick-up of a task, and previews of another node."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg

from ...tests.support.client import QUICK, Client, wait_for
from ...tests.support.clusters.nodes import DemoCluster
from ...tests.support.databases.postgres import PostgresServer
from ..frame import Options, Row, percentile
from ..support.event_readers import Readers, get
from .servers import NULL

STEP_MS = 100
NODES = (1, 3, 6)
LENGTHS = {0.3: (3, 30), 3.0: (30, 4)}
"""Seconds of a task → its steps, and the number of tasks of each node."""
LEAST = {(3, 0.3): 0.95, (6, 0.3): 0.93, (3, 3.0): 0.99, (6, 3.0): 0.99}
"""Required throughput by nodes and seconds of a task, as a part of that of one node times their number."""
PICK_UPS, PREVIEWS = 100, 30
PREVIEW_STEPS = 110
"""Steps of the task whose previews are timed: a node reports each third step of 100 ms, as at most four a second."""
MOST_PICK_UP = {50: 10.0, 99: 50.0}
MOST_PREVIEW = {50: 15.0, 99: 60.0}
"""Allowed milliseconds by percentile."""


def run(server: PostgresServer, options: Options) -> list[Row]:
    """Return a row per number of nodes and length of a task, and one each of the pick-up and the previews."""
    rows: list[Row] = []
    rates: dict[float, float] = {}
    for number in NODES:
        with TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            flags = (*NULL, "--demo-trace", str(trace))
            with DemoCluster(server, number, *flags, timeout_s=15, step_ms=STEP_MS) as cluster:
                for seconds, (steps, tasks) in LENGTHS.items():
                    row = _rate(cluster, number, steps, options.tasks or tasks)
                    rates.setdefault(seconds, row["per_second"])
                    part = row["per_second"] / number / rates[seconds]
                    rows.append({"nodes": number, "task_s": seconds, **row, "of_ideal": part})
                    rows[-1]["least"] = LEAST.get((number, seconds))
                    print(rows[-1], flush=True)
                if number == 3:
                    more = [_pick_up(cluster, trace), _previews(cluster, trace)]
                    print(*more, sep="\n", flush=True)
    return [*rows, *more]


def check(rows: list[Row]) -> None:
    """Fail if a figure is missed."""
    missed = [row for row in rows if row.get("least") is not None and row["of_ideal"] < row["least"]]
    missed += [row for row in rows if any(row.get(f"p{p}_ms", 0) > row.get(f"allowed_p{p}", 0) for p in (50, 99))]
    assert not missed, missed
    assert [row["number"] for row in rows if row.get("what") == "previews"] == [PREVIEWS], "previews are missing"


def _rate(cluster: DemoCluster, number: int, steps: int, tasks: int) -> Row:
    """Return the tasks a second from the first start to the last end, and the percentages of a CPU."""
    clients = [cluster.client(index) for index in range(number)]
    for client in clients:
        client.submit(**QUICK)
    clients[0].has_tasks(running=0)
    assert clients[0].post("/v1/engine/pause").status_code == 200
    ids = [
        clients[turn % number].submit(**{**QUICK, "overwrite_step": steps})["task_id"] for turn in range(number * tasks)
    ]
    processes = [psutil.Process(node.process.pid) for node in cluster.nodes if node.process is not None]
    before, began = [_cpu(process) for process in processes], time.monotonic()
    assert clients[0].post("/v1/engine/resume").status_code == 200
    wait_for(
        lambda: cluster.rows("SELECT 1 FROM task WHERE status IN ('pending', 'running') LIMIT 1") == [], "the ends", 300
    )
    took = time.monotonic() - began
    used = sum(_cpu(process) - earlier for process, earlier in zip(processes, before, strict=True))
    listed = ",".join(f"'{task_id}'" for task_id in ids)
    ((first, last),) = cluster.rows(f"SELECT min(started_at), max(finished_at) FROM task WHERE task_id IN ({listed})")
    return {
        "tasks": len(ids),
        "per_second": len(ids) / (last - first) * 1000,
        "cpu_of_a_node": used / took / number,
        "cpu_ms_of_a_task": used * 1000 / len(ids),
    }


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _pick_up(cluster: DemoCluster, trace: Path) -> Row:
    """Return the times from the commit of a submission, by the notice of the database, until a worker has the task."""
    waits = []
    client = cluster.client(0)
    with _commits(cluster) as commits:
        for _ in range(PICK_UPS):
            known = _moments(trace, "pop")
            task_id = client.submit(**QUICK)["task_id"]
            client.ended(task_id)
            wait_for(lambda known=known: len(_moments(trace, "pop")) > len(known), "the worker's trace")  # type: ignore[misc]
            (popped,) = set(_moments(trace, "pop")) - set(known)
            waits.append((popped - commits[task_id]) / 1e6)
    return {"what": "pick-up", "number": len(waits), **_percentiles(waits, MOST_PICK_UP)}


@contextlib.contextmanager
def _commits(cluster: DemoCluster) -> Iterator[dict[str, int]]:
    """Yield the times of the commits of new tasks, by their ids, as another connection hears of them."""
    found: dict[str, int] = {}
    with psycopg.connect(cluster.location, autocommit=True) as connection:
        connection.execute("LISTEN fooocus_changes")
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                for notice in connection.notifies(timeout=0.2, stop_after=1):
                    now, content = time.monotonic_ns(), json.loads(notice.payload)
                    if content.get("status") == "pending":
                        found.setdefault(content["task"], now)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join()


def _previews(cluster: DemoCluster, trace: Path) -> Row:
    """Return the times from a preview of one node until a stream of another has it."""
    client: Client = cluster.client(0)
    task_id = client.submit(**{**QUICK, "overwrite_step": PREVIEW_STEPS})["task_id"]
    client.until(task_id, "running")
    node = cluster.node_of(task_id)
    assert node is not None
    known = _moments(trace, "preview")
    with Readers(cluster.nodes[(node + 1) % 3].url, [get(f"/tasks/{task_id}/events?preview_format=jpeg")]) as readers:
        (reading,) = readers.ended().readings
    client.ended(task_id)
    wait_for(lambda: len(_moments(trace, "preview")) >= len(known) + PREVIEW_STEPS, "the worker's trace")
    made = _moments(trace, "preview")[-PREVIEW_STEPS:]
    pairs = [*zip(reading.steps, reading.moments, strict=True)][-PREVIEWS:]
    waits = [(at - made[step - 1]) / 1e6 for step, at in pairs]
    return {"what": "previews", "number": len(waits), **_percentiles(waits, MOST_PREVIEW)}


def _percentiles(waits: list[float], allowed: dict[int, float]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for percent, most in allowed.items():
        found |= {f"p{percent}_ms": percentile(waits, percent), f"allowed_p{percent}": most}
    return found


def _moments(trace: Path, what: str) -> list[int]:
    """Return the nanoseconds of all marks of this kind. Those of a task are written at its end."""
    lines = trace.read_text("ascii").splitlines() if trace.exists() else []
    return [int(line.split()[0]) for line in lines if line.split()[1] == what]
