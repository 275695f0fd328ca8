"""Runner of the benchmarks and of the stress tests: prints a table of each, and all results as JSON on the last line.

Each is a module with `run(options: Options) -> list[Row]`; its first docstring line describes its subject. A row is a dictionary;
all rows of a table share its keys. A violation raises `AssertionError`: the others still run, and the exit status is 1. If this
system lacks a requirement, `Unavailable` is raised: the benchmark is skipped with the reason, and the exit status is that of the
others.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import statistics
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

BENCHMARKS = (
    *("boot", "cluster", "dashboard", "delivery", "event_cost", "history", "latency"),
    *("listeners", "log", "loop", "memory", "other_api", "overhead"),
    *("pending", "queue_order", "saving", "search", "submissions"),
)
STRESS_TESTS = {"cluster_soak": "cluster_soak", "crash": "crash", "schema": "schema_requests", "soak": "soak"}
"""Name → module of tests/stress."""
BY_NAME = {"cluster", "other_api", "cluster_soak", "dashboard", "soak"}
"""Names that run only on request: each takes as long as all others together."""

Row = dict[str, Any]


class Unavailable(Exception):
    """A requirement of a benchmark is missing on this system."""


@dataclass(frozen=True)
class Options:
    """Command-line options; None stands for the benchmark's own default."""

    rounds: int | None = None
    rows: tuple[int, ...] | None = None
    minutes: float | None = None
    tasks: int | None = None
    cases: int | None = None
    cache: Path | None = None
    seed: int = field(default_factory=lambda: random.randrange(1_000_000))


def names() -> list[str]:
    """Return the names of all benchmarks and stress tests."""
    return sorted([*BENCHMARKS, *STRESS_TESTS])


def module_of(name: str) -> ModuleType:
    """Import the module of a benchmark or a stress test."""
    package = (__package__ or "").rpartition(".")[0]
    where = f"tests.stress.{STRESS_TESTS[name]}" if name in STRESS_TESTS else f"benchmarks.{name}"
    return importlib.import_module(f"{package}.{where}")


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks. Return the exit status: 0 if all completed."""
    wanted, options = chosen(arguments)
    results: dict[str, Any] = {}
    for name in wanted:
        module = module_of(name)
        print(f"\n== {name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        run: Callable[[Options], list[Row]] = module.run
        began = time.perf_counter()
        try:
            results[name] = run(options)
            print(f"\n{table(results[name])}\n({time.perf_counter() - began:.0f} s)", flush=True)
        except Unavailable as reason:
            print(f"skipped: {reason}", flush=True)
            results[name] = {"skipped": str(reason)}
        except Exception as error:
            traceback.print_exc()
            results[name] = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(results))
    return int(any(isinstance(result, dict) and "error" in result for result in results.values()))


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a text table, with numbers aligned right."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *cells, strict=True)]
    numbers = [any(isinstance(row.get(column), int | float) for row in rows) for column in columns]

    def line(texts: Sequence[str]) -> str:
        aligned = zip(texts, widths, numbers, strict=True)
        return "  ".join(text.rjust(width) if number else text.ljust(width) for text, width, number in aligned).rstrip()

    return "\n".join(map(line, [columns, *cells]))


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` percent of the values do not exceed. At least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else str(value)


def chosen(arguments: Sequence[str]) -> tuple[list[str], Options]:
    """Return the names and options in the arguments."""
    parser = argparse.ArgumentParser("install.py --bench", description="Measure, and print tables and a line of JSON.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one or more of {', '.join(names())}; by default all but {', '.join(sorted(BY_NAME))}",
    )
    parser.add_argument("--rounds", type=int, help="number of rounds, for those that have rounds")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the history, in rows")
    parser.add_argument("--minutes", type=float, help="duration, for those that have one")
    parser.add_argument("--tasks", type=int, help="number of tasks, for those that generate many")
    parser.add_argument("--cases", type=int, help="number of requests, for those that generate requests")
    parser.add_argument("--seed", type=int, help="seed of the random choices, to repeat a run")
    parser.add_argument("--cache", type=Path, help="folder in which filled histories are kept for the next run")
    given = parser.parse_args(list(arguments))
    if unknown := [name for name in given.names if name not in names()]:
        parser.error(f"benchmark {', '.join(unknown)} does not exist; choose from {', '.join(names())}")
    rows = tuple(given.rows) if given.rows else None
    options = Options(given.rounds, rows, given.minutes, given.tasks, given.cases, given.cache)
    if given.seed is not None:
        options = replace(options, seed=given.seed)
    return given.names or [name for name in names() if name not in BY_NAME], options
