"""Time from the worker's `finish` until the client of a synchronous request has the complete response."""

from __future__ import annotations

import time

from .frame import Options, Row, percentile
from .support.null_engine import STEPS, NullHost, load_average

ROUNDS = 200
MOST = {50: 5.0, 99: 20.0}
"""Allowed milliseconds by percentile."""


def run(options: Options) -> list[Row]:
    """Return p50 and p99 in milliseconds, for the null engine's 30 steps of 10 ms and for tasks of zero length."""
    rows: list[Row] = []
    for step_ms in (10, 0):
        with NullHost(step_ms=step_ms) as host:
            assert isinstance(host, NullHost)
            host.draw()
            waits = []
            for _ in range(options.rounds or ROUNDS):
                answered, timing = host.answered()
                waits.append((answered - timing.finish) / 1e6)
                time.sleep(0.01)
        row: Row = {"step_ms": step_ms, "steps": STEPS, "rounds": len(waits)}
        for percent, most in MOST.items():
            row[f"p{percent}_ms"] = percentile(waits, percent)
            row[f"allowed_p{percent}"] = most
        rows.append({**row, "worst_ms": max(waits), "load": load_average()})
    return rows
