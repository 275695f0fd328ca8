"""Nodes that share one queue on a PostgreSQL with `fsync`: order, throughput, latency, long queues, and rounds of failures."""

from __future__ import annotations

from .clusters import long_queue, order, rounds, throughput
from .clusters.servers import DURABLE, durable_server
from .frame import Options, Row, table

PARTS = {"order": order, "throughput": throughput, "long queue": long_queue, "rounds": rounds}


def run(options: Options) -> list[Row]:
    """Return a row per figure. Each part prints its own table.

    Raises:
        AssertionError: a figure is missed; the other parts have run.
    """
    print("settings of PostgreSQL:", ", ".join(f"{name} = {value}" for name, value in DURABLE.items()), flush=True)
    rows: list[Row] = []
    missed: list[str] = []
    for name, part in PARTS.items():
        try:
            with durable_server() as server:
                found = part.run(server, options)
        except AssertionError as error:
            missed.append(f"{name}: {error}")
            continue
        print(f"\n-- {name}: {(part.__doc__ or '').strip()}\n{table(found)}", flush=True)
        rows += [{"part": name, **row} for row in found]
        try:
            part.check(found)
        except AssertionError as error:
            missed.append(f"{name}: {error}")
    assert not missed, "\n".join(missed)
    return rows
