"""The command line of the commands: arguments in, exit status out, errors as one line. Called by extension.py."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..adapters.console_text import take_any_text
from . import COMMANDS
from .errors import CommandError
from .place import Place, add_place_arguments, find_place


def run(flags: list[str], find_checkout: Callable[[], Path]) -> int:
    """Do what the command line says.

    Returns:
        The exit status: 0 when all went well.
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
            add_place_arguments(place_parser)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(flags)
    try:
        place: Place = find_place(find_checkout(), arguments)
        os.chdir(place.checkout)  # as Fooocus does: relative paths in its settings and in URLs mean the same here
        return int(arguments.run(arguments, place))
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
