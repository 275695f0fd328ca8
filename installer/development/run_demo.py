"""`--demo`: runs the demo host with the extension in the repository's own environment."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from ..check import in_use
from ..errors import InstallError
from .venv import prepare_environment, run_to_its_end

CURL = (
    '{curl} {url}/v1/engine/generate {key}-H "Accept: image/png" -H "Content-Type: application/json" '
    '-d "{{\\"prompt\\": \\"a lighthouse at sunset\\"}}" -o image.png'
)
"""Quoted so that Command Prompt and every Unix shell accept it."""
POWERSHELL = (
    'Invoke-RestMethod {url}/v1/engine/generate -Method Post -Headers @{{{key}Accept="image/png"}} '
    """-ContentType application/json -Body '{{"prompt": "a lighthouse at sunset"}}' -OutFile image.png"""
)
"""PowerShell needs its own form: its `curl` is another command, and it parses `\\"` as the end of a string."""


def first_request(url: str, system: str, *, with_key: bool = False) -> str:
    """Return the commands for a first image, in the form that the shells of that system accept."""
    key = '-H "X-API-KEY: YOUR_KEY" ' if with_key else ""
    if system == "win32":
        headers = '"X-API-KEY"="YOUR_KEY"; ' if with_key else ""
        return (
            f"  try        in Command Prompt: {CURL.format(curl='curl.exe', url=url, key=key)}\n"
            f"             in PowerShell: {POWERSHELL.format(url=url, key=headers)}"
        )
    return f"  try        {CURL.format(curl='curl', url=url, key=key)}"


def run_demo(root: Path, flags: list[str]) -> int:
    """Serve until stopped. `flags` are the host's and the extension's.

    Returns:
        The demo's exit status, 0 after Ctrl-C.

    Raises:
        InstallError: the demo is missing here, or its environment or port is not available.
    """
    checkout = root / "demo"
    if not (checkout / "launch.py").is_file():
        raise InstallError(f"{root} has no demo; run --demo from a clone of the repository")
    python = prepare_environment(root, demo_requirements(root))
    port = _port(flags)
    if port is not None:
        if in_use(port):
            raise InstallError(f"port {port} is in use; stop the program that uses it, or add `--port {port + 1}`")
        threading.Thread(target=_announce, args=(port, flags), daemon=True).start()
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(checkout), "PYTHONUNBUFFERED": "1"}
    return run_to_its_end((str(python), str(root / "extension.py"), *flags), root, environment)


def demo_requirements(root: Path) -> list[Path]:
    """Return the requirement files of the demo host and the extension."""
    files = ("demo/requirements_versions.txt", "demo/requirements.txt", "requirements-ext.txt")
    return [root / file for file in files]


def _port(flags: list[str]) -> int | None:
    """Return the port that the demo will serve on; None if it will not serve, or will itself report an invalid port."""
    if "--help" in flags or "-h" in flags:
        return None
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--port", nargs="?", const="", default=os.environ.get("GRADIO_SERVER_PORT") or "7865")
    port: str = parser.parse_known_args(flags)[0].port
    return int(port) if port.isdecimal() and 0 < int(port) < 65536 else None


def _announce(port: int, flags: list[str]) -> None:
    """Print the addresses once the demo serves: printed earlier, the host's own lines would scroll them away."""
    while not in_use(port):
        threading.Event().wait(0.2)
    print(announcement(port, flags))


def announcement(port: int, flags: list[str]) -> str:
    """Return the lines with the addresses of a demo that serves on that port."""
    url = f"http://127.0.0.1:{port}"
    pages = {"WebUI": "/", "Dashboard": "/dashboard", "API": "/docs", "Guide": "/guide"}
    for flag, page in (("--nowebui", "WebUI"), ("--no-dashboard", "Dashboard")):
        if flag in flags:
            del pages[page]
    lines = [f"  {page:<9}  {url}{path}" for page, path in pages.items()]
    with_key = any(flag.startswith("--apikey") for flag in flags)
    try_it = first_request(url, sys.platform, with_key=with_key)
    return "\n".join(["\nThe demo is ready (Ctrl-C stops it):", *lines, f"{try_it}\n"])
