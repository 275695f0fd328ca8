"""Command line of the commands: arguments in, exit status out, errors as one line."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..adapters.startup.console_text import take_any_text
from . import COMMANDS
from .errors import CommandError
from .history_location import HistoryLocation, add_location_arguments, locate_history


def run(flags: list[str], find_checkout: Callable[[], Path]) -> int:
    """Run the command in `flags`.

    Returns:
        The exit status: 0 on success.
    """
    restore = take_any_text()
    try:
        return _run(flags, find_checkout)
    finally:
        restore()


def _run(flags: list[str], find_checkout: Callable[[], Path]) -> int:
    parser = argparse.ArgumentParser(prog="extension.py", allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    for name, module_name in COMMANDS.items():
        module = importlib.import_module(f".{module_name}", __package__)
        command = commands.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False)
        for place_parser in module.add_arguments(command):
            add_location_arguments(place_parser)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(flags)
    try:
        location: HistoryLocation = locate_history(find_checkout(), arguments)
        os.chdir(location.checkout)  # as Fooocus does, so that relative paths in its settings and in URLs resolve alike
        return int(arguments.run(arguments, location))
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
