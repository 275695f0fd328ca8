"""The one exception of this room, for what can be foreseen. Any module here raises it, cli.py prints it."""

from __future__ import annotations


class CommandError(Exception):
    """The message is one clear line for the person at the terminal."""
