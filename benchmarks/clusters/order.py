"""90 tasks of three keys over three models on three nodes: the order of `fair` compared with first come, first served."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from ...tests.support.client import QUICK, Client, wait_for
from ...tests.support.clusters.nodes import DemoCluster
from ...tests.support.databases.postgres import PostgresServer
from ..frame import Options, Row
from .servers import CHECKPOINTS, NULL, three_checkpoints

KEYS = {"flood": 60, "shop": 15, "bot": 15}
STEPS, STEP_MS, LOAD_MS = 30, 10, 1500
ROUNDS = 5
MOST_CHANGES = 8
MOST_TIME = 0.5
"""Allowed time, as a part of that of first come, first served."""
MOST_OF_FLOOD = 30
"""Tasks of the large key that may start before the last one of a small key: with turns it is about 15."""
MOST_BEFORE_MOVED = 1
"""Tasks that may start between a move and the moved one: a claim may have been under way, and there is one at a time."""
FLAGS = {"fair": (), "first come": ("--schedule", "fifo", "--affinity-wait", "0.001")}


def run(server: PostgresServer, options: Options) -> list[Row]:
    """Return a row per order and seed, and the medians."""
    seeds = [options.seed + number for number in range(options.rounds or ROUNDS)]
    rows: list[Row] = []
    with three_checkpoints() as checkout:
        for name, flags in FLAGS.items():
            keys = [word for key in KEYS for word in ("--apikey", f"{key}:{_secret(key)}")]
            pace: dict[str, Any] = {"step_ms": STEP_MS, "load_ms": LOAD_MS, "checkout": checkout}
            with DemoCluster(server, 3, *NULL, *flags, *keys, timeout_s=15, **pace) as cluster:
                for seed in seeds:
                    rows.append({"order": name, "seed": seed, **_round(cluster, seed)})
                    print(rows[-1], flush=True)
    return [*rows, *_medians(rows)]


def check(rows: Sequence[Row]) -> None:
    """Fail if a figure is missed."""
    fair, _ = (row for row in rows if row["seed"] == "median")
    assert fair["model_changes"] <= MOST_CHANGES, fair
    assert fair["to_first_come"] <= MOST_TIME, fair
    assert fair["flood_before_small"] <= MOST_OF_FLOOD, fair
    assert fair["before_moved"] == 0 and all(row["before_moved"] <= MOST_BEFORE_MOVED for row in rows), rows


def _secret(key: str) -> str:
    return f"secret-of-{key}-for-the-benchmark"


def _round(cluster: DemoCluster, seed: int) -> Row:
    chosen = random.Random(seed)
    tasks = [key for key, number in KEYS.items() for _ in range(number)]
    chosen.shuffle(tasks)
    clients = {key: [Client(node.url, _secret(key)) for node in cluster.nodes] for key in KEYS}
    first = clients["flood"][0]
    first.draw(base_model_name=CHECKPOINTS[0], overwrite_step=1)
    assert first.post("/v1/engine/pause").status_code == 200
    ids: dict[str, str] = {}
    for number, key in enumerate(tasks):
        fields = {**QUICK, "base_model_name": chosen.choice(CHECKPOINTS), "overwrite_step": STEPS}
        ids[clients[key][number % 3].submit(**fields)["task_id"]] = key
    loads = _loads(cluster)
    began = time.time()
    assert first.post("/v1/engine/resume").status_code == 200
    wait_for(lambda: _number(cluster, "running") + _number(cluster, "finished") >= 6, "the first tasks to start")
    moved = next(task_id for task_id in reversed(ids) if ids[task_id] == "flood")
    assert first.post(f"/tasks/{moved}/move-to-front").status_code == 200
    moved_at = time.time() * 1000
    wait_for(lambda: _number(cluster, "pending") + _number(cluster, "running") == 0, "all tasks to end", 300)
    found = {
        task_id: (start, end)
        for task_id, status, start, end in cluster.rows("SELECT task_id, status, started_at, finished_at FROM task")
        if task_id in ids and status == "finished"
    }
    assert set(found) == set(ids)
    small = max(found[task_id][0] for task_id, key in ids.items() if key != "flood")
    return {
        "seconds": max(end for _, end in found.values()) / 1000 - began,
        "model_changes": _loads(cluster) - loads,
        "flood_before_small": sum(found[task_id][0] < small for task_id, key in ids.items() if key == "flood"),
        "before_moved": sum(moved_at < start < found[moved][0] for start, _ in found.values()),
    }


def _number(cluster: DemoCluster, status: str) -> int:
    """Return the tasks of a status among the newest."""
    total = sum(KEYS.values())
    ((number,),) = cluster.rows(
        f"SELECT count(*) FROM (SELECT status FROM task ORDER BY id DESC LIMIT {total}) AS newest WHERE status = '{status}'"
    )
    return int(number)


def _loads(cluster: DemoCluster) -> int:
    return sum(node.log().count("\nLoaded ") for node in cluster.nodes)


def _medians(rows: Sequence[Row]) -> list[Row]:
    medians = []
    for name in FLAGS:
        own = [row for row in rows if row["order"] == name]
        columns = [column for column in own[0] if column not in ("order", "seed")]
        values = {column: statistics.median(row[column] for row in own) for column in columns}
        medians.append({"order": name, "seed": "median", **values})
    medians[0]["to_first_come"] = medians[0]["seconds"] / medians[1]["seconds"]
    return medians
