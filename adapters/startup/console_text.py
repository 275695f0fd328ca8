"""Makes stdout and stderr accept any text. Stdlib only: the commands use it as well.

A console accepts all of Unicode; a log file, a launcher's pipe or a service's output has the system's encoding (cp936, cp1252),
where one unsupported character raises: in Fooocus's own prints, which fails the task, and in the extension's. Without a console,
as under pythonw.exe, Python has no streams at all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

STREAMS = ("stdout", "stderr")
RAISING = ("strict", "surrogateescape")
"""Error handlers with which a stream raises for a character that its encoding lacks."""
LENIENT = "backslashreplace"


def take_any_text() -> Callable[[], None]:
    """Make stdout and stderr exist and escape characters that their encoding lacks as `\\u732b`; return a function to undo it."""
    undo = [change for name in STREAMS if (change := _take_any_text(name)) is not None]

    def restore() -> None:
        for change in undo:
            change()

    return restore


def _take_any_text(name: str) -> Callable[[], None] | None:
    stream = getattr(sys, name)
    if stream is None:
        return _use_nothing(name)
    if not isinstance(stream, TextIOWrapper) or stream.errors not in RAISING:
        return None
    before = stream.errors
    stream.reconfigure(errors=LENIENT)

    def restore() -> None:
        if not stream.closed and stream.errors == LENIENT:
            stream.reconfigure(errors=before)

    return restore


def _use_nothing(name: str) -> Callable[[], None]:
    nothing = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open until the process ends or it is undone
    setattr(sys, name, nothing)

    def restore() -> None:
        if getattr(sys, name) is nothing:
            setattr(sys, name, None)
            nothing.close()

    return restore
