"""A gateway of a demo cluster, as a process of its own."""

from __future__ import annotations

import sys

import requests

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.host import DEMO, ROOT, Host

SCRIPT = ROOT / "tests" / "support" / "hosts" / "gateway_process.py"


class GatewayProcess(Host):
    """A gateway with its own port, which starts and ends as a host does. It has no images."""

    def __init__(self, name: str, location: str, files: str, *flags: str) -> None:
        place = ("--api-db", location, "--api-files", files, "--node-name", name)
        super().__init__(DEMO, flags=(*place, *flags), patience=90)

    def _command(self) -> list[str]:
        return [sys.executable, str(SCRIPT), str(ROOT), "--port", str(self.port), *self.flags]


def known_nodes(gateway: Host, key: str | None = None) -> None:
    """Wait until a gateway knows a node, and serves the API. `key` is one of the API if it has any."""
    schema, headers = f"{gateway.url}/v1/openapi.json", {"X-API-KEY": key} if key else {}
    wait_for(
        lambda: requests.get(schema, headers=headers, timeout=60).status_code == 200, "the gateway to know the nodes"
    )
