"""Checks of a request's path behind a proxy that adds a prefix (`root_path`) and does not strip it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from fooocus_api.api.security.authentication import AuthenticationMiddleware
from fooocus_api.asgi.surfaces.no_oauth import NoOAuth
from fooocus_api.auth.keyring import Keyring
from fooocus_api.auth.keys import Key, Scope, digest_of
from fooocus_api.auth.signed_urls import UrlSigner
from fooocus_api.auth.tokens import Grant, Tokens

TASK = "0" * 32
LOGIN: Any = SimpleNamespace(needed=False)


@pytest.fixture(params=["", "/studio"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def checks(tmp_path: Path) -> tuple[NoOAuth, UrlSigner, str]:
    """Return an application behind the checks, the signer of URLs, and a token for one task."""
    key = Key("a", digest_of(b"secret"), frozenset({Scope.READ}))
    keys = Keyring([key], tmp_path / "keys.json")
    links = UrlSigner(b"s" * 32, 3600, lambda: True)
    tokens = Tokens(b"secret", keys.named)
    token = tokens.token(Grant("a", Scope.READ, TASK, int(time.time()) + 60), key)
    checked = AuthenticationMiddleware(PlainTextResponse("in"), keys, LOGIN, links, frozenset({"/healthz"}), tokens)
    return NoOAuth(checked), links, token


def status_of(app: NoOAuth, prefix: str, target: str) -> int:
    """Return the status of a GET as a server passes it on that knows the prefix."""
    path, _, query = target.partition("?")
    scope = {"type": "http", "method": "GET", "root_path": prefix, "path": f"{prefix}{path}", "headers": []}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app({**scope, "query_string": query.encode()}, receive, send))
    return int(sent[0]["status"])


def test_paths_are_checked_without_the_prefix(tmp_path: Path, prefix: str) -> None:
    app, links, token = checks(tmp_path)
    expires = int(time.time()) + 60
    signature = links.signature("outputs/a.png", expires)
    expected = {
        "/healthz": 200,
        "/tasks": 401,
        f"/outputs/a.png?expires={expires}&signature={signature}": 200,
        f"/outputs/b.png?expires={expires}&signature={signature}": 403,
        f"/tasks/{TASK}?token={token}": 200,
        f"/tasks/{'1' * 32}?token={token}": 404,
        f"/models?token={token}": 403,
        "/.well-known/oauth-protected-resource": 404,
        "/mcp/.well-known/openid-configuration": 404,
        "/register": 404,
    }
    assert {target: status_of(app, prefix, target) for target in expected} == expected
