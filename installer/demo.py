"""`--demo`: the demo host with the extension, in the repository's own environment. Called by cli.py."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from .check import in_use
from .environment import prepare_environment, run_to_its_end
from .errors import InstallError

CURL = (
    '{curl} {url}/v1/engine/generate -H "Accept: image/png" -H "Content-Type: application/json" '
    '-d "{{\\"prompt\\": \\"a lighthouse at sunset\\"}}" -o image.png'
)
"""Quoted as Command Prompt and every Unix shell take it."""
POWERSHELL = (
    'Invoke-RestMethod {url}/v1/engine/generate -Method Post -Headers @{{Accept="image/png"}} '
    """-ContentType application/json -Body '{{"prompt": "a lighthouse at sunset"}}' -OutFile image.png"""
)
"""Its `curl` is another command, and it takes `\\"` for the end of a text."""


def first_request(url: str, system: str) -> str:
    """Return the lines to type for a first image, in the form that the shells of that system take."""
    if system == "win32":
        return (
            f"  try    in Command Prompt: {CURL.format(curl='curl.exe', url=url)}\n"
            f"         in PowerShell: {POWERSHELL.format(url=url)}"
        )
    return f"  try    {CURL.format(curl='curl', url=url)}"


def run_demo(root: Path, flags: list[str]) -> int:
    """Serve until it is stopped. `flags` are the host's own and the extension's.

    Returns:
        The demo's exit status, 0 when it was stopped with Ctrl-C.

    Raises:
        InstallError: there is no demo here, or its environment or port can't be had.
    """
    checkout = root / "demo"
    if not (checkout / "launch.py").is_file():
        raise InstallError(f"{root} has no demo: run --demo from a clone of the repository")
    python = prepare_environment(root, demo_requirements(root))
    port = _port(flags)
    if port is not None:
        if in_use(port):
            raise InstallError(f"port {port} is in use: stop what runs there, or add `--port {port + 1}`")
        threading.Thread(target=_announce, args=(port, "--nowebui" in flags), daemon=True).start()
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(checkout), "PYTHONUNBUFFERED": "1"}
    return run_to_its_end((str(python), str(root / "extension.py"), *flags), root, environment)


def demo_requirements(root: Path) -> list[Path]:
    """The requirement files of the demo host and the extension."""
    files = ("demo/requirements_versions.txt", "demo/requirements.txt", "requirements-ext.txt")
    return [root / file for file in files]


def _port(flags: list[str]) -> int | None:
    """The port the demo will serve on; None where there is none, or the demo will say what is wrong."""
    if "--help" in flags or "-h" in flags:
        return None
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--port", nargs="?", const="", default=os.environ.get("GRADIO_SERVER_PORT") or "7865")
    port: str = parser.parse_known_args(flags)[0].port
    return int(port) if port.isdecimal() and 0 < int(port) < 65536 else None


def _announce(port: int, without_webui: bool) -> None:
    """Say where to go once there is something there: said earlier, the host's own lines carry it away."""
    while not in_use(port):
        threading.Event().wait(0.2)
    url = f"http://127.0.0.1:{port}"
    webui = "" if without_webui else f"  WebUI  {url}/\n"
    print(f"\nThe demo is ready (Ctrl-C stops it):\n{webui}  API    {url}/docs")
    print(f"{first_request(url, sys.platform)}\n")
