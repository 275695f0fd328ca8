"""ASGI middleware that sends a long body in parts: one write of many megabytes would hold the event loop while it is copied."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PART_BYTES = 256 * 1024
"""Maximum bytes of one write: it is copied and passed to the system in well under a millisecond."""
EVENT_STREAM = b"text/event-stream"


class Parts:
    """Sends bodies of more than `PART_BYTES` bytes in parts, and lets other requests have their turn in between.

    An event stream is left alone: some clients take each chunk for one event.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_stream = False

        async def in_parts(message: Message) -> None:
            nonlocal is_stream
            if message["type"] == "http.response.start":
                is_stream = any(
                    name.lower() == b"content-type" and value.startswith(EVENT_STREAM)
                    for name, value in message.get("headers", ())
                )
            body = message.get("body", b"")
            if is_stream or len(body) <= PART_BYTES:
                await send(message)
                return
            content, has_more = memoryview(body), message.get("more_body", False)
            for start in range(0, len(body), PART_BYTES):
                part = bytes(content[start : start + PART_BYTES])
                is_last = start + PART_BYTES >= len(body)
                await send({**message, "body": part, "more_body": has_more or not is_last})
                await asyncio.sleep(0)

        await self._app(scope, receive, in_parts)
