"""API keys of a host under test, made and revoked as people do it: with `extension.py keys`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, ROOT, Host

if TYPE_CHECKING:
    from pathlib import Path


def keys_command(outputs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it for the host with these outputs, whether it runs or not."""
    command = [sys.executable, str(ROOT / "extension.py"), "keys", *arguments, "--output-path", str(outputs)]
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(DEMO)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def add_key(host: Host, name: str, *flags: str) -> Client:
    """A client with a new key of that name."""
    done = keys_command(host.outputs, "add", name, *flags)
    assert done.returncode == 0, done.stderr
    return Client(host.url, done.stdout.strip())


def key_of(client: Client) -> str:
    """The key it sends."""
    return str(client.session.headers["X-API-KEY"])
