"""The package's one exception, for expected errors. Any module here raises it; cli.py prints it."""

from __future__ import annotations


class InstallError(Exception):
    """An expected error, with a one-line message for the person at the terminal. Nothing is left half-done."""
