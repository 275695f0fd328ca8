"""Sends what fits the schema and what does not, and looks whether every answer is as the schema says; 20,000 cases.

With a key, without, and where none is needed, on the demo host; tests/schema says how.
"""

from __future__ import annotations

from dataclasses import asdict

from ..tests.schema.search import search
from .frame import Options, Row

CASES = 20_000


def run(options: Options) -> list[Row]:
    """A row for each run and one with all cases. Raises AssertionError, with the seed, when an answer was another one."""
    print(f"seed {options.seed}", flush=True)
    wanted = options.cases or CASES
    runs = search(wanted, options.seed)
    cases, seconds = sum(run.cases for run in runs), sum(run.seconds for run in runs)
    assert cases >= wanted
    return [*(asdict(run) for run in runs), {"name": "all", "seed": options.seed, "cases": cases, "seconds": seconds}]
