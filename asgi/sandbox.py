"""Content-Security-Policy that makes the host's pages cross-origin to the API."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from .types import AsgiApp, Scope

SANDBOX = b"sandbox allow-scripts allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads"
"""Permissions that the log page needs: its buttons copy parameters and show an alert, its images can be opened and saved."""


def sandboxed(app: AsgiApp) -> AsgiApp:
    """Return the app with a CSP sandbox on its responses.

    Fooocus writes prompts into log.html unescaped, including tags and scripts.
    """

    async def sandboxed_app(scope: Scope, receive: Any, send: Any) -> None:
        async def send_sandboxed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", SANDBOX)]
            await send(message)

        await app(scope, receive, send_sandboxed)

    return sandboxed_app
