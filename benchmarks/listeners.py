"""200 readers of `/v1/events`, one of which never reads: delay of each preview for the others, and the host's memory.

For ten minutes, or `--minutes`, at 100 ms per step; then for a shorter time at 10 ms, where one event loop can't serve 200
readers at every step: each reader gets the newest picture every time, but not all pictures.
"""

from __future__ import annotations

import time

from .frame import Options, Row, percentile
from .memory import resident
from .support.event_readers import Readers, Seen, get
from .support.null_engine import STEPS, NullHost, Timing, load_average

LISTENERS = 200
MINUTES = 10.0
QUICK = 0.1
"""Fraction of the minutes that run at 10 ms per step."""
WARM = 0.2
"""Fraction of the time after which memory is first recorded."""


def run(options: Options) -> list[Row]:
    """Return the delays in milliseconds over all active readers, the slowest reader's p50, and MB at the start and the end."""
    minutes = options.minutes or MINUTES
    rows = []
    for step_ms, share in ((100, 1.0), (10, QUICK)):
        with NullHost(step_ms=step_ms) as host:
            assert isinstance(host, NullHost)
            host.draw()
            with Readers(host.url, [get("/v1/events")] * LISTENERS, silent=1) as readers:
                timings, memory = _draw_for(host, minutes * 60 * share)
                seen = readers.stop()
        rows.append(_row(step_ms, seen, timings, memory))
        print(rows[-1], flush=True)
    return rows


def _draw_for(host: NullHost, seconds: float) -> tuple[list[Timing], list[float]]:
    began = time.monotonic()
    timings: list[Timing] = []
    memory: list[float] = []
    assert host.process is not None
    while time.monotonic() - began < seconds or len(timings) < 3:
        timings.append(host.draw())
        memory.append(resident(host.process.pid))
    time.sleep(1)  # wait for the last event
    return timings, memory


def _row(step_ms: int, seen: Seen, timings: list[Timing], memory: list[float]) -> Row:
    delays, medians, fewest = [], [], len(timings) * STEPS
    for reading in seen.readings[:-1]:
        arrivals = zip(reading.tasks, reading.steps, reading.moments, strict=True)
        own = [(moment - timings[task].previews[step]) / 1e6 for task, step, moment in arrivals]
        medians.append(percentile(own, 50))
        fewest = min(fewest, len(own))
        delays += own
    made = len(timings) * STEPS
    first = memory[int(len(memory) * WARM)]
    row: Row = {"step_ms": step_ms, "readers": len(medians), "silent": 1, "tasks": len(timings), "made": made}
    row |= {"fewest_arrived": fewest, "p50_ms": percentile(delays, 50), "p99_ms": percentile(delays, 99)}
    row |= {"slowest_reader_p50_ms": max(medians), "allowed_p50": 8.0 if step_ms == 10 else 25.0}
    return row | {"mb_first": first, "mb_last": memory[-1], "load": load_average()}
