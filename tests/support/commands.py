"""Commands of `extension.py`, run in this process, which saves the second that Python takes to start."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from typing import TYPE_CHECKING

from fooocus_api.commands import cli
from fooocus_api.tests.support.host import DEMO

if TYPE_CHECKING:
    from pathlib import Path


def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command for the demo's checkout. Its result is like a process's."""
    flags = [str(argument) for argument in arguments]
    said, complained, folder = io.StringIO(), io.StringIO(), os.getcwd()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            status = cli.run(flags, lambda: DEMO)
    except SystemExit as end:  # argparse's, for wrong arguments
        status = end.code if isinstance(end.code, int) else 1
    finally:
        os.chdir(folder)  # the command works in the folder of its Fooocus
    return subprocess.CompletedProcess(flags, status, said.getvalue(), complained.getvalue())
