"""Ends a response whose client has stopped reading: what is being sent to it stays in memory."""

from __future__ import annotations

import logging

import anyio
from starlette.types import Message, Receive, Scope, Send

from .parts import PART_BYTES

log = logging.getLogger("fooocus_api.server")

PATIENCE_S = 60.0
"""Seconds that a client may take for one message."""
DOUBLING_BYTES = 2**24
"""Bytes of a message for which it may take twice as long, as an image is one event. Longer ones have more in proportion."""


class StoppedReading(Exception):
    """A client that takes nothing more of its response."""


def bounded(send: Send, patience_s: float = PATIENCE_S) -> Send:
    """Return the `send` of a response that raises StoppedReading if the client does not take a message in time.

    After a message of more than `PART_BYTES` it returns once the client has taken nearly all of it.
    """

    async def send_in_time(message: Message) -> None:
        size = len(message.get("body", b""))
        with anyio.move_on_after(patience_s * (1 + size / DOUBLING_BYTES)) as limit:
            await send(message)
            if size > PART_BYTES and message.get("more_body"):
                await send({**message, "body": b""})  # writes nothing: a server waits for its buffer before it writes
        if limit.cancelled_caught:
            raise StoppedReading

    return send_in_time


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection of a client that has stopped reading, and drop what is buffered for it."""
    route = getattr(scope.get("route"), "path", None)  # not the path, which may name an image
    log.info("client stopped reading", extra={"method": scope.get("method"), "route": route})
    # A regular close would keep the buffer until the client reads it. ASGI has no other, so that it is uvicorn's.
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        return
    transport.abort()
    while (await receive())["type"] != "http.disconnect":  # uvicorn reports a response that ends before it knows
        pass
