"""Standard output for results, standard error for people."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table


def use_utf8() -> None:
    """Let pipes and files have UTF-8, which JSON requires; Windows would use the encoding of the country."""
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors=errors)


def people() -> Console:
    """Return the console of standard error, for messages and the bar."""
    return Console(stderr=True, highlight=False)


def is_interactive() -> bool:
    """Return whether a person watches: both outputs are terminals. In a pipe there is no bar."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def can_ask() -> bool:
    """Return whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def print_json(value: Any) -> None:
    """Print a value as JSON, in one line unless a person reads it."""
    print(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None), flush=True)


def print_bytes(content: bytes) -> None:
    """Write the content of a file to standard output."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def print_rows(titles: list[str], rows: list[list[str]]) -> None:
    """Print a table; in a pipe, lines with tabs and no titles."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(" ".join(cell.split()) for cell in row))
        return
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


def note(text: str) -> None:
    """Print a message for people."""
    people().print(text, markup=False, soft_wrap=True)
