"""Adds the script of the links to Gradio's page while it is sent, so that no file of Fooocus changes."""

from __future__ import annotations

from typing import Any

from ..asgi.types import AsgiApp, Scope, path_of

TAG = b'<script defer src="dashboard/webui_link.js"></script>'
END_OF_HEAD = b"</head>"
MAX_PAGE_BYTES = 2**24
"""Bytes of the largest page that is changed; Gradio's has less than one megabyte."""


class LinkedWebUI:
    """ASGI middleware around Gradio's app that adds the script to the page at `/`. Everything else passes unchanged."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and path_of(scope) == "/"
        await self._app(scope, receive, _Page(send).pass_on if is_page else send)


class _Page:
    """One response, held back until it is complete, or found to be no page that can be changed."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._start: dict[str, Any] | None = None
        self._body = bytearray()
        self._passes = False

    async def pass_on(self, message: dict[str, Any]) -> None:
        """Take the app's next message, and send what is ready."""
        if message["type"] == "http.response.start" and _is_plain_html(message["headers"]):
            self._start = message
        elif self._start is None or self._passes or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            is_whole = not message.get("more_body", False)
            if is_whole or len(self._body) > MAX_PAGE_BYTES:
                self._passes = True
                body = bytes(self._body)
                await self._send(
                    _with_length(self._start, len(TAG)) if is_whole and END_OF_HEAD in body else self._start
                )
                linked = body.replace(END_OF_HEAD, TAG + END_OF_HEAD, 1) if is_whole else body
                await self._send({**message, "body": linked})


def _is_plain_html(headers: list[tuple[bytes, bytes]]) -> bool:
    named = {name.lower(): value for name, value in headers}
    return named.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in named


def _with_length(start: dict[str, Any], added: int) -> dict[str, Any]:
    """Return the start of a response whose body has `added` more bytes."""
    headers = [
        (name, str(int(value) + added).encode() if name.lower() == b"content-length" else value)
        for name, value in start["headers"]
    ]
    return {**start, "headers": headers}
