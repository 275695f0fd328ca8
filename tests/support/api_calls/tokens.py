"""Tokens from a demo host, and requests with only a token."""

from __future__ import annotations

from typing import Any

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

BOSS = "of-the-command-line"


def token_of(client: Client, **body: Any) -> str:
    response = client.post("/v1/tokens", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return str(response.json()["token"])


def asked(host: Host, path: str, token: str, method: str = "GET", **arguments: Any) -> Any:
    """Return the answer to a client that has only a token."""
    with Client(host.url).request(method, path, params={"token": token}, stream=True, **arguments) as response:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            assert response.content is not None
        return response
