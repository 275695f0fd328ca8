"""The command line `fooocus`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

from typing import Annotated

import typer

from ..wire.version import VERSION
from .commands.batch import batch
from .commands.catalog import models, styles
from .commands.describe import describe
from .commands.edit import inpaint, upscale
from .commands.generate import generate
from .commands.login import login
from .commands.tasks import show, stop, tasks, watch
from .frame.terminal import use_utf8

COMMANDS = (generate, upscale, inpaint, describe, batch, tasks, show, watch, stop, models, styles, login)
EPILOG = (
    "Exit codes: 0 success, 1 failed, 2 wrong usage or invalid field, 3 can't be reached, 4 key missing or not permitted, "
    "5 not found, 6 limit reached or busy, 7 stopped, 130 Ctrl-C."
)

app = typer.Typer(
    name="fooocus",
    help="Generate images with the Fooocus that runs on this machine or another.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print the key among the variables
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"fooocus-api-client {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Generate images with the Fooocus that runs on this machine or another."""


for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line."""
    use_utf8()
    app(prog_name="fooocus")
