"""Runs in a process of its own: the host's `private_logger` saves images of two days in turn, a new one and a full one."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import psutil

from ...tests.support.hosts.day_log import DayLog
from ..boot import own_memory
from ..frame import Row

NEW, FULL = "2026-01-01", "2026-01-02"
PROMPT = "a wide landscape in soft light, with hills and a river, " * 16


def main() -> None:
    """Save the images of the plan in the command line, and print the measurements."""
    plan = json.loads(sys.argv[1])
    os.chdir(plan["checkout"])
    sys.path.insert(0, plan["checkout"])
    sys.argv = ["launch.py", "--output-path", plan["outputs"]]
    output, sys.stdout = sys.stdout, sys.stderr  # the host prints a line for each image
    day = DayLog(Path(plan["outputs"]), extended=plan["extended"])
    day.turn_to(FULL)
    entry_kb = fill(day, plan["before"], extended=plan["extended"])
    figures = measured(day, plan["images"], plan["pause_ms"] / 1000)
    day.close()
    print(json.dumps({**figures, "entry_kb": entry_kb}), file=output)


def fill(day: DayLog, number: int, *, extended: bool) -> float:
    """Write a page of many entries like the first one. Return the size of one in kB."""
    day.write("00000.png", prompt=PROMPT)
    day.close()
    text = day.page.read_text("utf-8")
    start, stop = text.index('<div id="'), text.rindex("</div>") + len("</div>\n\n")
    entry = text[start:stop]
    entries = (entry.replace("00000", f"{each:05}") for each in range(number, 0, -1))
    day.page.write_text(text[:start] + "".join(entries) + text[stop:], "utf-8")
    day.restart(extended=extended)
    return len(entry) / 1000


def measured(day: DayLog, number: int, pause_s: float) -> Row:
    """Return the milliseconds of each image, the MB written, the growth in memory, and the seconds of the page's thread."""
    process = psutil.Process()
    times: dict[str, list[float]] = {NEW: [], FULL: []}
    for each in range(-2, number):
        if each == 0:
            memory, written, began, spent = (
                own_memory(process.pid),
                _written_mb(process),
                time.monotonic(),
                _page_s(process),
            )
        for name, values in times.items():
            day.turn_to(name)
            time.sleep(pause_s)  # as the steps of an image
            start = time.perf_counter()
            day.write(f"new_{each}.png", prompt=PROMPT)
            if each >= 0:
                values.append((time.perf_counter() - start) * 1000)
    elapsed = time.monotonic() - began
    return {
        "first_ms": times[NEW],
        "later_ms": times[FULL],
        "mb_written": (_written_mb(process) - written) / number,
        "memory_mb": own_memory(process.pid) - memory,
        "page_s": _page_s(process) - spent,
        "elapsed_s": elapsed,
    }


def _written_mb(process: psutil.Process) -> float:
    counters = process.io_counters()
    return float(getattr(counters, "write_chars", counters.write_bytes)) / 1e6


def _page_s(process: psutil.Process) -> float:
    """Return the CPU seconds of the thread that writes pages, 0 without one."""
    ids = [thread.native_id for thread in threading.enumerate() if thread.name == "fooocus-api-log"]
    return float(sum(thread.user_time + thread.system_time for thread in process.threads() if thread.id in ids))
