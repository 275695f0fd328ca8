"""24 tasks alternating between two checkpoints whose loading takes as long as generating: `fair` compared with `fifo`.

On the demo host, or on the real Fooocus named by FOOOCUS_HOME, where it first measures how many steps take as long as a load.
"""

from __future__ import annotations

import itertools
import statistics
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from ..tests.support.client import QUICK, Client
from ..tests.support.host import Host, real_checkout, real_host
from .frame import Options, Row
from .support.null_engine import NullHost, load_average, post

TASKS = 24
LEAST = 1.7
"""Required throughput relative to `fifo`."""
DRAWING_MS = 300
DEMO_STEPS = 30
CALIBRATION_TASKS = 8
MOST_STEPS = 30
"""Limit on a real Fooocus: a load may take as long as a hundred steps, which would make the run take an hour."""


def run(options: Options) -> list[Row]:
    """Return seconds, loads, and the most overtakes of a task for both orders, and the ratio of the medians."""
    real = real_checkout() is not None
    rounds = options.rounds or (1 if real else 3)
    steps = DEMO_STEPS
    rows: list[Row] = []
    for schedule in ("fifo", "fair"):
        with _host(real, schedule) as host:
            client = Client(host.url)
            first, second = _checkpoints(client)
            if real and schedule == "fifo":
                steps = _steps_like_a_load(host.url, first, second)
            for _ in range(rounds):
                client.draw(base_model_name=first, overwrite_step=1)
                records = _drawn(host.url, [second, first], steps, options.tasks or TASKS)
                rows.append({"schedule": schedule, "steps": steps, **_figures(records), "load": load_average()})
                print(rows[-1], flush=True)
    seconds = {
        name: statistics.median(row["seconds"] for row in rows if row["schedule"] == name) for name in ("fifo", "fair")
    }
    ratio = seconds["fifo"] / seconds["fair"]
    equal = _load_to_drawing(rows)
    return [
        *rows,
        {"schedule": "fair to fifo", "load_to_drawing": equal, "throughput_ratio": ratio, "required": LEAST},
    ]


def _host(real: bool, schedule: str) -> Host:
    flags = ("--schedule", schedule)
    if real:
        return real_host(*flags)
    return NullHost(*flags, step_ms=DRAWING_MS // DEMO_STEPS, load_ms=DRAWING_MS)


def _checkpoints(client: Client) -> tuple[str, str]:
    names = client.get("/v1/engines/all-models").json()["model_filenames"]
    assert len(names) >= 2, f"it takes two checkpoints, and there is {names}"
    return names[0], names[1]


def _drawn(url: str, checkpoints: list[str], steps: int, tasks: int) -> list[dict[str, Any]]:
    """Return the records of all tasks, in the order of submission."""
    parts = urlsplit(url)
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=60)) as connection:
        turns = itertools.islice(itertools.cycle(checkpoints), tasks)
        ids = [
            post(connection, {**QUICK, "base_model_name": name, "overwrite_step": steps, "async_process": True})
            for name in turns
        ]
    client = Client(url)
    records = [client.ended(record["task_id"]) for record in ids]
    assert all(record["task_status"] == "finished" for record in records)
    return records


def _figures(records: list[dict[str, Any]]) -> Row:
    order = sorted(records, key=lambda record: record["start_mills"])
    names = [record["req_params"]["base_model_name"] for record in order]
    overtaken = [sum(later["id"] > record["id"] for later in order[:place]) for place, record in enumerate(order)]
    seconds = (order[-1]["finish_mills"] - order[0]["start_mills"]) / 1000
    loads = 1 + sum(before != after for before, after in itertools.pairwise(names))
    return {
        "tasks": len(order),
        "seconds": seconds,
        "loads": loads,
        "most_overtaken": max(overtaken),
        "drawn_s": _typical(order, changed=False),
        "loaded_and_drawn_s": _typical(order, changed=True),
    }


def _typical(order: list[dict[str, Any]], changed: bool) -> float | None:
    """Return the median seconds from a task's start to the next start, for tasks whose checkpoint did or did not change."""
    names = [record["req_params"]["base_model_name"] for record in order]
    starts = [record["start_mills"] for record in order]
    taken = [
        (starts[place + 1] - starts[place]) / 1000
        for place in range(1, len(order) - 1)
        if (names[place] != names[place - 1]) is changed
    ]
    return statistics.median(taken) if taken else None


def _load_to_drawing(rows: list[Row]) -> float | None:
    """Return the ratio of a load's time to the generation's in these runs, 1 if equal. None if too few tasks were measured."""
    changed = [row["loaded_and_drawn_s"] for row in rows if row["schedule"] == "fifo" and row["loaded_and_drawn_s"]]
    drawn = [row["drawn_s"] for row in rows if row["schedule"] == "fair" and row["drawn_s"]]
    return float(statistics.median(changed) / statistics.median(drawn) - 1) if changed and drawn else None


def _steps_like_a_load(url: str, first: str, second: str) -> int:
    """Return how many steps take as long as loading the other checkpoint, measured under the same condition: a full queue."""

    def seconds(checkpoints: list[str], steps: int) -> float:
        starts = sorted(record["start_mills"] for record in _drawn(url, checkpoints, steps, CALIBRATION_TASKS))
        return float(statistics.median(later - before for before, later in itertools.pairwise(starts))) / 1000

    seconds([first, second], 2)  # warm up: the first loads come from the disk, later ones from the system's cache
    few, many = 4, 16
    changing, short, long = seconds([first, second], few), seconds([second], few), seconds([second], many)
    load, step = changing - short, max((long - short) / (many - few), 0.001)
    steps = min(max(int(few + (load - short) / step), 1), MOST_STEPS)
    print(f"a load {load:.2f} s, a task of {few} steps {short:.2f} s, a step {step:.3f} s: {steps} steps", flush=True)
    return steps
