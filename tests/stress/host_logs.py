"""Tracebacks in the log of a soaked process: none is expected, but those of the full disk in Fooocus's own worker."""

from __future__ import annotations

import re

TRACEBACK = "Traceback (most recent call last):"
CHAINED = ("During handling of the above", "The above exception was")
OUR_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[Fooocus API\]")


def assert_no_bugs_in(log: str, *, disk_was_full: bool) -> int:
    """Check every traceback in a log, and return the number of excused ones: Fooocus's worker may fail on the full disk."""
    excused = 0
    whole: list[str] = []
    for block in log.split(TRACEBACK)[1:]:
        lines = [line for line in block.splitlines()[1:] if not OUR_LINE.match(line)]
        end = next((number for number, line in enumerate(lines) if not line.startswith(" ")), len(lines) - 1)
        whole += lines[: end + 1]
        if any(line.startswith(CHAINED) for line in lines[end : end + 4]):
            continue  # the next traceback is its consequence
        in_worker = any("async_worker.py" in line for line in whole)
        text = "\n".join(whole)
        assert disk_was_full and in_worker and "No space left on device" in whole[-1], f"something broke:\n{text}"
        excused += 1
        whole = []
    return excused
