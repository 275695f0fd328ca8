"""The repository's own environment, `.venv`, created and filled on demand, and kept."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
import signal
import subprocess  # nosec B404  # this Python with lists of arguments, no shell
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from ..errors import InstallError
from ..pip import pip_install
from ..placement.extension_files import remove_tree

INTERRUPT_TIMEOUT_S = 10.0
"""Seconds that an interrupted program gets to end by itself."""
POLL_INTERVAL_S = 0.5
"""Seconds between two checks for Ctrl-C during a wait."""
INTERRUPTED = (-signal.SIGINT, -signal.SIGTERM, 130, 0xC000013A)
"""Exit statuses of an interrupted program; the last is Windows's."""


def prepare_environment(root: Path, files: Sequence[Path]) -> Path:
    """Make sure that `root/.venv` has this Python and the packages in `files`. Instant if it already does.

    Returns:
        The environment's interpreter.

    Raises:
        InstallError: it can't be created or filled; the next run completes or recreates it.
    """
    folder = root / ".venv"
    stamp = folder / "fooocus_api.json"
    known = _read(stamp)
    if known.get("python") != platform.python_version():
        _create(folder, replace=bool(known))
        known = {"python": platform.python_version()}
        _write(stamp, known)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    digests = {file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    if not digests.items() <= known.items():
        print(f"installing packages into {folder} (first run only)")
        pip_install(python, files)
        _write(stamp, known | digests)
    return python


def run_to_its_end(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> int:
    """Run a program in the foreground; it handles Ctrl-C and SIGTERM itself.

    Returns:
        Its exit status as a shell reports it; 0 if it was interrupted and ended by itself.
    """
    with subprocess.Popen(command, cwd=folder, env=environment) as process:  # nosec B603  # see its import

        def pass_on(_: int, __: FrameType | None) -> None:
            process.terminate()

        before = signal.signal(signal.SIGTERM, pass_on)
        try:
            status = _wait(process)
        except KeyboardInterrupt:
            status = _wait_after_interrupt(process)
        finally:
            signal.signal(signal.SIGTERM, before)
    return status if status >= 0 else 128 - status


def _wait(process: subprocess.Popen[bytes], seconds: float | None = None) -> int:
    """Wait for a program, in steps: on Windows a wait can't be interrupted, and Ctrl-C takes effect only after it.

    Raises:
        TimeoutExpired: it runs longer than `seconds`.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = POLL_INTERVAL_S if end is None else min(POLL_INTERVAL_S, end - time.monotonic())
        try:
            return process.wait(max(left, 0))
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() >= end:
                raise


def _wait_after_interrupt(process: subprocess.Popen[bytes]) -> int:
    """Wait for a program that the terminal has interrupted as well; a second Ctrl-C or the timeout terminates it."""
    try:
        status = _wait(process, INTERRUPT_TIMEOUT_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.terminate()
        status = _wait(process)
    return 0 if status in INTERRUPTED else status


def _create(folder: Path, replace: bool) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise InstallError(no_environments(sys.platform, ".".join(platform.python_version_tuple()[:2])))
    if folder.exists() and not replace and any(folder.iterdir()):
        raise InstallError(f"{folder} was not created by install.py; move it away")
    try:
        remove_tree(folder)
    except OSError as error:
        raise InstallError(f"{folder} is of another Python and can't be replaced: {error}") from error
    print(f"creating {folder}")
    try:
        made = subprocess.run(  # nosec B603  # see its import
            (sys.executable, "-m", "venv", str(folder)), capture_output=True, text=True
        )
    except KeyboardInterrupt:
        remove_tree(folder, ignore_errors=True)  # a partial environment would look like one made by the user
        raise
    if made.returncode:
        remove_tree(folder, ignore_errors=True)
        raise InstallError(f"{folder} can't be created: {(made.stderr or made.stdout).strip().splitlines()[-1]}")


def no_environments(system: str, version: str) -> str:
    """Return the error for a Python that has no `ensurepip`, with the remedy for its system."""
    if system == "win32":
        return (
            "the Python of Fooocus's portable package can't make environments; "
            "use Python 3.10 or 3.11 from python.org, as in `py -3.10 install.py --demo`"
        )
    return (
        f"this Python can't create virtual environments; on Debian and Ubuntu, run `apt install python{version}-venv`"
    )


def _read(stamp: Path) -> dict[str, str]:
    try:
        known = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(stamp: Path, known: dict[str, str]) -> None:
    stamp.write_text(json.dumps(known, indent=1), encoding="utf-8")
