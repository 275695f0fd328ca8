"""Previews that reach a reader that keeps up, and their delay after the worker has made them.

Two streams: `/tasks/{task_id}/events` (WebP), which reports every step, and `generate` with `stream_output` (PNG), whose messages
are 50 ms apart, so that its steps take slightly longer. Two sizes: 64×64, and 288×224 like real previews.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from .frame import Options, Row, percentile
from .support.event_readers import Readers, Reading, get
from .support.event_readers import post as request_of
from .support.null_engine import STEPS, TASK, NullHost, Timing, load_average, post

EVENTS, GENERATE = "events, WebP", "generate, PNG"
ROUNDS = {"64x64": 30, "288x224": 10}
PACE = {("64x64", EVENTS): 10, ("64x64", GENERATE): 60, ("288x224", EVENTS): 50, ("288x224", GENERATE): 60}
"""Milliseconds per step."""
MOST = {
    ("64x64", EVENTS): (8.0, 40.0),
    ("64x64", GENERATE): (8.0, 90.0),
    ("288x224", EVENTS): (25.0, 40.0),
    ("288x224", GENERATE): (25.0, 90.0),
}
"""Allowed milliseconds at p50 and p99; a message of the second stream waits up to 50 for the previous one."""


def run(options: Options) -> list[Row]:
    """Return the number of previews made and received, and their delays in milliseconds."""
    rows: list[Row] = []
    for (size, name), step_ms in PACE.items():
        with NullHost(size=size, step_ms=step_ms) as host:
            assert isinstance(host, NullHost)
            host.draw()
            arrived, fewest, delays = 0, STEPS, []
            rounds = options.rounds or ROUNDS[size]
            for _ in range(rounds):
                timing, reading = STREAMS[name](host)
                arrived += len(reading.steps)
                fewest = min(fewest, len(reading.steps))
                delays += delays_of(timing, reading)
            p50, p99 = (percentile(delays, percent) for percent in (50, 99))
            row: Row = {"stream": name, "size": size, "step_ms": step_ms, "made": rounds * STEPS}
            row |= {"arrived": arrived, "fewest": f"{fewest} of {STEPS}", "p50_ms": p50, "p99_ms": p99}
            most_p50, most_p99 = MOST[size, name]
            row |= {"allowed_p50": most_p50, "allowed_p99": most_p99, "load": load_average()}
            rows.append(row)
            print(row, flush=True)
    return rows


def delays_of(timing: Timing, reading: Reading) -> list[float]:
    """Return the milliseconds from the creation of each received preview to its arrival."""
    arrivals = zip(reading.steps, reading.moments, strict=True)
    return [(moment - timing.previews[step]) / 1e6 for step, moment in arrivals]


def streamed(host: NullHost) -> tuple[Timing, Reading]:
    """Run a task over the stream of the generate route."""
    body = json.dumps({**TASK, "stream_output": True}).encode()
    with Readers(host.url, [request_of("/v1/engine/generate", body)]) as readers:
        seen = readers.ended()
    return host.next_timings()[-1], seen.readings[0]


def followed(host: NullHost) -> tuple[Timing, Reading]:
    """Run a task over its own event stream, opened while it is pending behind another one."""
    connection = host.connection()
    for body in (TASK, TASK):
        record = post(connection, {**body, "async_process": True})
    with Readers(host.url, [get(f"/tasks/{record['task_id']}/events")]) as readers:
        seen = readers.ended()
    connection.close()
    return host.next_timings(2)[-1], seen.readings[0]


STREAMS: dict[str, Callable[[NullHost], tuple[Timing, Reading]]] = {
    GENERATE: streamed,
    EVENTS: followed,
}
