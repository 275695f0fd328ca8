"""API keys of a host under test, created and revoked with the command `keys`, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.commands import run_command
from fooocus_api.tests.support.host import DEMO, ROOT, Host

if TYPE_CHECKING:
    from pathlib import Path


def keys_process(outputs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `extension.py keys` in a process of its own, for the host with these outputs, whether it runs or not."""
    command = [sys.executable, str(ROOT / "extension.py"), "keys", *arguments, "--output-path", str(outputs)]
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(DEMO)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def keys_command(outputs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command `keys` in this process, for the host with these outputs, whether it runs or not."""
    return run_command("keys", *arguments, "--output-path", outputs)


def add_key(host: Host, name: str, *flags: str) -> Client:
    """Create a key with that name and return a client that sends it."""
    done = keys_command(host.outputs, "add", name, *flags)
    assert done.returncode == 0, done.stderr
    return Client(host.url, done.stdout.strip())


def key_of(client: Client) -> str:
    """Return the key that the client sends."""
    return str(client.session.headers["X-API-KEY"])
