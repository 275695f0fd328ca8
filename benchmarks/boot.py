"""What the extension adds to a host's boot: seconds until it answers and memory then, with and without, side by side.

    python benchmarks/boot.py [ROUNDS]

On the demo host, or on the real Fooocus named by FOOOCUS_HOME. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from event_cost import load_package  # type: ignore[import-not-found]  # the script beside this one

BARE = "import sys, os; sys.path.insert(0, os.getcwd()); import launch"
"""How extension.py starts Fooocus, without the extension."""


def boot(real: bool, extended: bool) -> tuple[float, float]:
    """Seconds until the host answers HTTP, and its memory in MB once it has settled."""
    from fooocus_api.tests.host import Host, demo_host, real_host

    class BareHost(Host):
        def _command(self) -> list[str]:
            python, _, *flags = super()._command()
            return [python, "-c", BARE, *flags]

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
    """MB of a process's own memory (mapped model files not counted) once its worker has imported and loaded."""
    samples: list[float] = []
    while len(samples) < 120 and not (len(samples) > 10 and max(samples[-8:]) - min(samples[-8:]) < 1):
        time.sleep(0.5)
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        samples.append(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon")))
    return samples[-1]


def main() -> None:
    """Print the table, and the same as JSON on the last line."""
    load_package()
    from fooocus_api.tests.host import real_checkout

    real = real_checkout() is not None
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures: dict[str, list[tuple[float, float]]] = {"bare": [], "extended": []}
    for number in range(rounds + 1):
        for name, values in figures.items():
            figure = boot(real, name == "extended")
            if number:  # the first round fills the disk cache and compiles
                values.append(figure)
                print(f"{name:10} {figure[0]:7.2f} s {figure[1]:8.1f} MB", flush=True)
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
    }
    added = [extended - bare for bare, extended in zip(medians["bare"], medians["extended"], strict=True)]
    print(f"{'added':10} {added[0]:7.2f} s {added[1]:8.1f} MB  (medians of {rounds})")
    result = {"host": "real" if real else "demo", "added_seconds": round(added[0], 3), "added_mb": round(added[1], 1)}
    print(json.dumps({"boot": result}))


if __name__ == "__main__":
    main()
