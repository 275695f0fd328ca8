"""Cost of an image's entry in the day's `log.html`: on a new day and after 4,000 images, with and without the extension.

The host's own code saves tiny images, on the demo's and, with FOOOCUS_HOME, on the real one. The two days and the two sides take
turns. `page_share` is the part of the worker's time that the writing of pages takes, in CPU time of its thread.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..tests.support.host import DEMO, ROOT, real_checkout, real_python
from .frame import Options, Row, table

BEFORE = 4000
PAUSE_MS = 40
MOST_TIMES, MOST_PERCENT = 1.2, 2.0
SCRIPT = f"import runpy; runpy.run_path({str(ROOT / 'load_package.py')!r})['load_package'](); " + (
    "from fooocus_api.benchmarks.support.log_process import main; main()"
)


def run(options: Options) -> list[Row]:
    """Return the medians of an image's save for each side.

    Raises:
        AssertionError: with the extension an image costs more after 4,000 ones, or the pages take too much of the time.
    """
    hosts = [("demo", sys.executable, DEMO)]
    if (home := real_checkout()) is not None:
        hosts.append(("real", str(real_python(home)), home))
    rows = [row for name, python, checkout in hosts for row in _sides(name, python, checkout, options)]
    assert all(row["met"] is not False for row in rows), f"a target is missed:\n{table(rows)}"
    return rows


def _sides(name: str, python: str, checkout: Path, options: Options) -> list[Row]:
    runs: dict[str, list[dict[str, Any]]] = {"bare": [], "extended": []}
    for _ in range(options.rounds or 3):
        for side, figures in runs.items():
            figures.append(_measured(python, checkout, extended=side == "extended"))
    rows = [_row(name, side, figures) for side, figures in runs.items()]
    for row in rows:
        print(row, flush=True)
    return rows


def _row(name: str, side: str, figures: list[dict[str, Any]]) -> Row:
    first, later = (
        statistics.median(value for each in figures for value in each[key]) for key in ("first_ms", "later_ms")
    )
    share = 100 * sum(each["page_s"] for each in figures) / sum(each["elapsed_s"] for each in figures)
    medians = {key: statistics.median(each[key] for each in figures) for key in ("mb_written", "memory_mb", "entry_kb")}
    limits = {"allowed": MOST_TIMES, "page_share": share, "share_allowed": MOST_PERCENT}
    met = later <= first * MOST_TIMES and share <= MOST_PERCENT if side == "extended" else None
    row: Row = {"host": name, "what": side, "images_before": BEFORE, "first_ms": first, "later_ms": later}
    return {**row, "times": later / first, **limits, **medians, "met": met}


def _measured(python: str, checkout: Path, *, extended: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as outputs:
        plan = {"checkout": str(checkout), "outputs": outputs, "extended": extended}
        numbers = {"before": BEFORE, "images": 150, "pause_ms": PAUSE_MS}
        command = [python, "-c", SCRIPT, json.dumps({**plan, **numbers})]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
