"""Runs pip, showing its progress and reporting failures in one line."""

from __future__ import annotations

import re
import subprocess  # nosec B404  # pip with a list of arguments, no shell
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import InstallError

UNREACHABLE = (
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Connection refused",
    "ProxyError",
    "SSLError",
    "(from versions: none)",
)
"""Messages of pip and its urllib3 when a package index can't be reached; the last appears when retries are disabled."""

HELD = ("[WinError 5]", "[WinError 32]")
"""Parts of pip's error, in any language, for a file that a running Fooocus or a virus scanner has open on Windows."""


def pip_install(python: Path, files: Iterable[Path], constraints: Path | None = None) -> None:
    """Install requirement files into the environment of `python`, printing a line per package.

    Raises:
        InstallError: pip is missing or failed; the packages installed before are unchanged.
    """
    command: list[str] = [
        str(python),
        "-s",  # ignore the user's own site-packages: Fooocus does not use it, and pip must not change it
        "-X",
        "utf8",  # otherwise pip writes in the console's code page
        "-m",
        "pip",
        "install",
        "--progress-bar",
        "off",
        "--disable-pip-version-check",
    ]
    for file in files:
        command += ["-r", str(file)]
    if constraints is not None:
        command += ["-c", str(constraints)]
    said, status = _run_showing_progress(command)
    if status:
        raise InstallError(_reason(said, python))


def _run_showing_progress(command: Sequence[str]) -> tuple[list[str], int]:
    began = time.monotonic()
    said: list[str] = []
    with subprocess.Popen(  # nosec B603  # see its import
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        assert pip.stdout is not None  # nosec B101  # for mypy, which can't know
        try:
            for line in pip.stdout:
                said.append(line.rstrip())
                step = re.match(r"\s*(?:Collecting ([^\s(]+)|(Installing collected packages))", line)
                if step:
                    seconds = time.monotonic() - began
                    print(f"  {seconds:4.0f} s  {step[1] or 'installing the downloaded packages'}")
        except KeyboardInterrupt:
            pip.wait()  # pip was interrupted as well and cleans up
            raise
    return said, pip.returncode


def _reason(said: list[str], python: Path) -> str:
    text = "\n".join(said)
    if "No module named pip" in text:
        return f"{python} has no pip; run `{python} -m ensurepip` first"
    if "externally-managed-environment" in text:
        return f"{python} is managed by the system; run install.py with the Python of Fooocus's own environment"
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    if "The conflict is caused by:" in said:
        clash = said[said.index("The conflict is caused by:") + 1 :]
        return "pip found versions that exclude each other: " + "; ".join(
            line.strip() for line in clash[: clash.index("") if "" in clash else None]
        )
    last = errors[-1] if errors else next((line for line in reversed(said) if line), "no output")
    if any(sign in text for sign in UNREACHABLE):
        return f"the package index can't be reached; check the network ({last})"
    if sys.stderr.isatty():
        print("\n".join(said), file=sys.stderr)
    if any(sign in text for sign in HELD):
        return f"pip can't replace a file that another program has open: {last}; stop Fooocus and try again"
    return f"pip failed: {last}"
