"""A demo host that records how long callbacks block its event loops: CPU time of the loop's thread, for each long callback.

As a script it measures the host that it then starts: `python tests/support/hosts/loops.py FILE extension.py [launch flags]`.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import runpy
import sys
import threading
import time
from pathlib import Path

WORTH_TELLING_MS = 1.0
"""Shorter callbacks are frequent and harmless."""
BEAT_S = 0.005
"""Seconds between two beats of each loop's heart."""
BEAT = "beat "


def main(file: str, script: str) -> None:
    """Run the script; each long callback adds a line to the file: milliseconds, and the callback."""
    run = asyncio.Handle._run
    told = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    collecting: dict[int, list[float]] = {}
    beating: set[int] = set()

    def beat(loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Record how late this beat comes, in milliseconds of the clock, and schedule the next one."""
        late = (loop.time() - due) * 1000
        if late >= WORTH_TELLING_MS:
            os.write(told, f"{BEAT}{late:.2f}\n".encode())
        due = loop.time() + BEAT_S
        loop.call_at(due, beat, loop, due)

    def collected(phase: str, _: dict[str, int]) -> None:
        """Record the time that a garbage collection takes: it may run at any time, on any thread."""
        spans = collecting.setdefault(threading.get_ident(), [])
        spans.append(-time.thread_time() if phase == "start" else time.thread_time())

    def measured(handle: asyncio.Handle) -> None:
        if threading.get_ident() not in beating:
            beating.add(threading.get_ident())
            beat(asyncio.get_running_loop(), math.inf)
        collecting.pop(threading.get_ident(), None)
        began = time.thread_time()
        run(handle)
        held = (time.thread_time() - began - sum(collecting.get(threading.get_ident(), ()))) * 1000
        if held >= WORTH_TELLING_MS:
            os.write(told, f"{held:.2f} {str(handle)[:200]!r}\n".encode())

    gc.callbacks.append(collected)
    asyncio.Handle._run = measured  # type: ignore[method-assign, assignment]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    _, file, *sys.argv = sys.argv
    sys.path[0] = str(Path(sys.argv[0]).parent)
    main(file, sys.argv[0])
else:
    from typing import Any

    from fooocus_api.tests.support.host import DEMO, Host

    class WatchedHost(Host):
        """A demo host, not yet started, measured from its start on."""

        def __init__(self, *flags: str, step_ms: int = 5, **options: Any) -> None:
            pace = ("--demo-step-ms", str(step_ms), "--demo-load-ms", "0")
            flags = ("--disable-in-browser", "--disable-analytics", *pace, *flags)
            super().__init__(DEMO, flags=flags, patience=120, **options)
            self.held = self.folder / "held"

        def mark(self) -> int:
            """Return the position in the file of the next long callback."""
            return self.held.stat().st_size

        def longest(self, since: int) -> tuple[float, str]:
            """Return the callback since then that took most CPU time of its loop's thread: milliseconds, and its description."""
            lines = [line for line in self._lines(since) if not line.startswith(BEAT)]
            found = [(float(line.partition(" ")[0]), line.partition(" ")[2]) for line in lines]
            return max(found, default=(0.0, "nothing"))

        def largest_gap(self, since: int) -> float:
            """Return the milliseconds by which the latest beat since then was late; less than 1 counts as 0."""
            beats = (line.removeprefix(BEAT) for line in self._lines(since) if line.startswith(BEAT))
            return max(map(float, beats), default=0.0)

        def _lines(self, since: int) -> list[str]:
            return self.held.read_bytes()[since:].decode().splitlines()

        def _command(self) -> list[str]:
            python, script, *flags = super()._command()
            return [python, str(Path(__file__).resolve()), str(self.held), script, *flags]
