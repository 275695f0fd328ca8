"""How many previews reach a reader that keeps up, and how long after the worker has made them.

Two streams: `generate` with `stream_output` (PNG) and `/tasks/{task_id}/events` (WebP); two sizes: 64×64 at 10 ms a step and
288×224, as real ones are, at 50 ms.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ._null import STEPS, TASK, NullHost, Timing, load_average, post
from ._readers import Readers, Reading, get
from ._readers import post as request_of
from .frame import Options, Row, percentile

ROUNDS = {"64x64": 30, "288x224": 10}
PACE = {"64x64": 10, "288x224": 50}
MOST = {"64x64": (8.0, 40.0), "288x224": (25.0, 40.0)}
"""Milliseconds at p50 and p99."""


def run(options: Options) -> list[Row]:
    """Previews that arrived, of how many, and their delays in milliseconds."""
    rows: list[Row] = []
    for size, step_ms in PACE.items():
        with NullHost(size=size, step_ms=step_ms) as host:
            assert isinstance(host, NullHost)
            host.draw()
            for name, stream in STREAMS.items():
                arrived, fewest, delays = 0, STEPS, []
                rounds = options.rounds or ROUNDS[size]
                for _ in range(rounds):
                    timing, reading = stream(host)
                    arrived += len(reading.steps)
                    fewest = min(fewest, len(reading.steps))
                    delays += delays_of(timing, reading)
                p50, p99 = (percentile(delays, percent) for percent in (50, 99))
                row: Row = {"stream": name, "size": size, "step_ms": step_ms, "made": rounds * STEPS}
                row |= {"arrived": arrived, "fewest": f"{fewest} of {STEPS}", "p50_ms": p50, "p99_ms": p99}
                row |= {"allowed_p50": MOST[size][0], "allowed_p99": MOST[size][1], "load": load_average()}
                rows.append(row)
                print(row, flush=True)
    return rows


def delays_of(timing: Timing, reading: Reading) -> list[float]:
    """Milliseconds from a preview's making to its arrival, for each that arrived."""
    arrivals = zip(reading.steps, reading.moments, strict=True)
    return [(moment - timing.previews[step]) / 1e6 for step, moment in arrivals]


def streamed(host: NullHost) -> tuple[Timing, Reading]:
    """A task by the stream of the generate route."""
    body = json.dumps({**TASK, "stream_output": True}).encode()
    with Readers(host.url, [request_of("/v1/engine/generate", body)]) as readers:
        seen = readers.ended()
    return host.next_timings()[-1], seen.readings[0]


def followed(host: NullHost) -> tuple[Timing, Reading]:
    """A task by its own event stream, which begins while it waits behind another one."""
    connection = host.connection()
    for body in (TASK, TASK):
        record = post(connection, {**body, "async_process": True})
    with Readers(host.url, [get(f"/tasks/{record['task_id']}/events")]) as readers:
        seen = readers.ended()
    connection.close()
    return host.next_timings(2)[-1], seen.readings[0]


STREAMS: dict[str, Callable[[NullHost], tuple[Timing, Reading]]] = {
    "generate, PNG": streamed,
    "events, WebP": followed,
}
