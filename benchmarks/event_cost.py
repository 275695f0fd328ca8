"""Cost of an event on the worker thread: appends to the host's plain list and to the extension's, side by side."""

from __future__ import annotations

import time
from typing import Any

import numpy

from ..adapters.worker.task_queue import TaskQueue
from ..adapters.worker.worker import Worker
from ..tasks.streaming.event_bus import EventBus
from .frame import Options, Row, percentile

ROUNDS = 2_000


class PlainTask:
    """Task with the attributes that the host's loop appends to."""

    def __init__(self) -> None:
        self.yields: list[Any] = []
        self.last_stop = False
        self.args: list[Any] = []


def timed(yields: list[Any], item: list[Any]) -> float:
    """Return the microseconds that one append takes on this thread."""
    began = time.perf_counter_ns()
    yields.append(item)
    return (time.perf_counter_ns() - began) / 1000


def run(options: Options) -> list[Row]:
    """Return the cost in µs on the worker thread: p50 and p99 for both lists, with a consumer that keeps up."""
    bus = EventBus()
    bus.start(lambda event: None)
    worker = Worker(bus)
    tasks = TaskQueue(worker, [])
    preview = numpy.zeros((224, 288, 3), dtype=numpy.uint8)
    items: dict[str, list[Any]] = {
        "progress": ["preview", (10, "Loading models ...", None)],
        "preview": ["preview", (50, "Sampling step 15/30, image 1/1 ...", preview)],
    }
    rows: list[Row] = []
    for name, item in items.items():
        bare, extended = PlainTask(), PlainTask()
        tasks.append(extended)
        costs: dict[str, list[float]] = {"bare": [], "extended": []}
        for _ in range(options.rounds or ROUNDS):
            costs["bare"].append(timed(bare.yields, item))
            costs["extended"].append(timed(extended.yields, item))
            time.sleep(0.0005)  # a step takes time, in which the bus reads, as on a real host
        figures = {
            f"{kind}_p{percent}_us": round(percentile(values, percent), 2)
            for kind, values in costs.items()
            for percent in (50, 99)
        }
        rows.append({"event": name, **figures})
    bus.stop()
    return rows
