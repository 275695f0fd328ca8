"""Sends valid and invalid requests, and checks that every response conforms to the schema; 20,000 cases.

With a key, without, and where none is needed, on the demo host; see tests/schema.
"""

from __future__ import annotations

from dataclasses import asdict

from ...benchmarks.frame import Options, Row
from ..schema.search import search

CASES = 20_000


def run(options: Options) -> list[Row]:
    """Return a row per run and one for all cases. Raises AssertionError, with the seed, on a violation."""
    print(f"seed {options.seed}", flush=True)
    wanted = options.cases or CASES
    runs = search(wanted, options.seed)
    cases, seconds = sum(run.cases for run in runs), sum(run.seconds for run in runs)
    assert cases >= wanted
    return [*(asdict(run) for run in runs), {"name": "all", "seed": options.seed, "cases": cases, "seconds": seconds}]
