"""Extra time of a task with the extension compared to the bare host, from the worker's pop to its `finish`.

With 0, 10 and 200 readers of `/v1/events` with previews; the two hosts generate in turn, and their medians are compared.
"""

from __future__ import annotations

import statistics

from .frame import Options, Row
from .support.event_readers import Readers, get
from .support.null_engine import STEPS, load_average, side_by_side

LISTENERS = (0, 10, 200)
MOST = {(0, 10): 2.0, (10, 10): 2.0, (200, 10): 10.0, (0, 100): 2.0, (10, 100): 2.0, (200, 100): 1.0}
"""Allowed extra time in percent, by listeners and milliseconds per step."""


def run(options: Options) -> list[Row]:
    """Return the medians in milliseconds for each number of listeners and each pace."""
    rows: list[Row] = []
    for step_ms, rounds in ((10, options.rounds or 30), (100, max(3, (options.rounds or 30) // 4))):
        with side_by_side(step_ms=step_ms) as (bare, extended):
            for listeners in LISTENERS:
                seconds: dict[str, list[float]] = {"bare": [], "extended": []}
                with Readers(extended.url, [get("/v1/events")] * listeners):
                    for _ in range(rounds):
                        seconds["bare"].append(bare.draw().seconds)
                        seconds["extended"].append(extended.draw().seconds)
                medians = {f"{name}_ms": statistics.median(values) * 1000 for name, values in seconds.items()}
                row: Row = {"step_ms": step_ms, "steps": STEPS, "listeners": listeners, "rounds": rounds, **medians}
                row["longer_percent"] = (medians["extended_ms"] / medians["bare_ms"] - 1) * 100
                row["allowed"] = MOST[listeners, step_ms]
                row["load"] = load_average()
                rows.append(row)
                print(row, flush=True)
    return rows
