"""Startup cost of the extension: seconds until the host answers, and its memory then, with and without the extension.

On the demo host, or on the real Fooocus named by FOOOCUS_HOME.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import psutil

from ..tests.support.host import Host, demo_host, real_checkout, real_host
from .frame import Options, Row

MOST_SECONDS, MOST_MB = 0.3, 30.0
"""Seconds and MB that the extension may add on the demo host."""

BARE = "import sys, os; sys.path.insert(0, os.getcwd()); import launch"
"""Starts Fooocus as extension.py does, without the extension."""


class BareHost(Host):
    """Host with Fooocus alone."""

    def _command(self) -> list[str]:
        python, _, *flags = super()._command()
        return [python, "-c", BARE, *flags]


def boot(real: bool, extended: bool) -> tuple[float, float]:
    """Return the seconds until the host answers HTTP, and its memory in MB once it has settled."""
    host = real_host() if real else demo_host()
    if not extended:
        host.__class__ = BareHost
    began = time.perf_counter()
    with host:
        seconds = time.perf_counter() - began
        assert host.process is not None
        memory = settled_memory(host.process.pid)
    return seconds, memory


def settled_memory(pid: int) -> float:
    """Return the MB of a process's own memory (without mapped model files) once its worker has imported and loaded."""
    samples: list[float] = []
    while len(samples) < 120 and not (len(samples) > 10 and max(samples[-8:]) - min(samples[-8:]) < 1):
        time.sleep(0.5)
        samples.append(own_memory(pid))
    return samples[-1]


def own_memory(pid: int) -> float:
    """Return the MB that a process does not share with files: anonymous pages on Linux, elsewhere its unique set size."""
    if sys.platform != "linux":
        return float(psutil.Process(pid).memory_full_info().uss) / 2**20
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon"))


def run(options: Options) -> list[Row]:
    """Return the medians of several boots, with and without the extension in turn.

    Raises:
        AssertionError: the extension adds more than it may.
    """
    real = real_checkout() is not None
    rounds = options.rounds or 5
    figures: dict[str, list[tuple[float, float]]] = {"bare": [], "extended": []}
    for number in range(rounds + 1):
        for name, values in figures.items():
            figure = boot(real, name == "extended")
            if number:  # the first round only warms the disk cache and compiles
                values.append(figure)
                print(f"{name:10} {figure[0]:7.2f} s {figure[1]:8.1f} MB", flush=True)
    host = "real" if real else "demo"
    rows: list[Row] = []
    for name, boots in figures.items():
        seconds, memory = (statistics.median(column) for column in zip(*boots, strict=True))
        rows.append({"host": host, "what": name, "seconds": round(seconds, 3), "mb": round(memory, 1)})
    bare, extended = rows
    added = {key: round(extended[key] - bare[key], 3) for key in ("seconds", "mb")}
    rows.append({"host": host, "what": "added", **added})
    if not real:
        rows.append({"host": host, "what": "most", "seconds": MOST_SECONDS, "mb": MOST_MB})
        assert added["seconds"] <= MOST_SECONDS and added["mb"] <= MOST_MB, f"the extension adds {added}"
    return rows
