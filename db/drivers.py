"""Import of peewee without PostgreSQL's drivers: it imports each that is installed, which a history in SQLite does not need."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

DRIVERS = ("psycopg2", "psycopg2cffi", "psycopg")


def needs_driver(location: str | None) -> bool:
    """Return whether a history may be on a server; None is the usual file."""
    return location is not None and not location.lower().startswith("sqlite")


@contextmanager
def without_drivers() -> Iterator[None]:
    """Hide the drivers that are not imported yet, inside the context. Other threads import none of them then."""
    hidden = [name for name in DRIVERS if name not in sys.modules and importlib.util.find_spec(name) is not None]
    sys.modules.update(dict.fromkeys(hidden))  # None makes an import raise ImportError
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
