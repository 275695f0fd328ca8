"""What an event costs the worker thread: appends to the host's plain list and to ours, side by side.

python benchmarks/event_cost.py
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 2_000


def load_package() -> None:
    """This folder as `fooocus_api`."""
    spec = importlib.util.spec_from_file_location(
        "fooocus_api", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["fooocus_api"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["fooocus_api"])


class PlainTask:
    """What the host's loop appends to."""

    def __init__(self) -> None:
        self.yields: list[Any] = []
        self.last_stop = False
        self.args: list[Any] = []


def timed(yields: list[Any], item: list[Any]) -> float:
    """Microseconds that one append takes on this thread."""
    began = time.perf_counter_ns()
    yields.append(item)
    return (time.perf_counter_ns() - began) / 1000


def measure() -> dict[str, dict[str, float]]:
    """Cost in µs of each kind of event: p50 and p99 for the bare list and for ours, with a consumer that keeps up."""
    from fooocus_api.adapters.task_queue import TaskQueue
    from fooocus_api.adapters.worker import Worker
    from fooocus_api.tasks.bus import EventBus

    bus = EventBus()
    bus.start(lambda event: None)
    worker = Worker(bus, lambda task: ({}, {}))
    tasks = TaskQueue(worker, [])
    preview = numpy.zeros((224, 288, 3), dtype=numpy.uint8)
    items: dict[str, list[Any]] = {
        "progress": ["preview", (10, "Loading models ...", None)],
        "preview": ["preview", (50, "Sampling step 15/30, image 1/1 ...", preview)],
    }
    figures = {}
    for name, item in items.items():
        bare, ours = PlainTask(), PlainTask()
        tasks.append(ours)
        costs: dict[str, list[float]] = {"bare": [], "ours": []}
        for _ in range(ROUNDS):
            costs["bare"].append(timed(bare.yields, item))
            costs["ours"].append(timed(ours.yields, item))
            time.sleep(0.0005)  # a step takes a while; the bus reads meanwhile, as it does in life
        figures[name] = {
            f"{kind}_{label}": round(statistics.quantiles(values, n=100)[position], 2)
            for kind, values in costs.items()
            for label, position in (("p50_us", 49), ("p99_us", 98))
        }
    bus.stop()
    return figures


def main() -> None:
    """Print the table, and the same as JSON on the last line."""
    load_package()
    figures = measure()
    print(f"{'event':10} {'bare p50':>10} {'bare p99':>10} {'ours p50':>10} {'ours p99':>10}   µs on the worker thread")
    for name, row in figures.items():
        print(
            f"{name:10} {row['bare_p50_us']:10.2f} {row['bare_p99_us']:10.2f} {row['ours_p50_us']:10.2f}"
            f" {row['ours_p99_us']:10.2f}"
        )
    print(json.dumps({"event_cost": figures}))


if __name__ == "__main__":
    main()
