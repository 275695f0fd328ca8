"""Server-sent events on the wire."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from ..tasks.broadcast import Subscription
from ..tasks.keys import Scope
from .access import LOOK_AGAIN, still_may

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Proxies must neither keep nor collect what is meant to be seen at once."""
PING = b": ping\n\n"
"""A comment, which readers pass over: it keeps proxies from closing a silent connection."""

TURN = 0.001
"""Seconds that a stream with much to tell has the event loop for itself."""


def described(*models: str) -> dict[str, Any]:
    """What the API's description says of a stream whose events have JSON of one of these shapes as their data.

    `itemSchema` is OpenAPI 3.2's, which FastAPI writes as well: older readers pass over it.
    """
    content = {"anyOf": [{"$ref": f"#/components/schemas/{model}"} for model in models]}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content}
    event = {"type": "object", "properties": {"data": data, "event": {"type": "string"}, "id": {"type": "string"}}}
    return {"text/event-stream": {"itemSchema": event}}


def message(data: dict[str, Any], event: str | None = None, event_id: str | None = None) -> bytes:
    """One event with JSON data."""
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=event, id=event_id)


class Right:
    """The right to go on with a stream, which may end while it lasts."""

    def __init__(self, request: Request, scope: Scope) -> None:
        self.lasts = still_may(request, scope)

    def watch(self, subscription: Subscription) -> None:
        """End a stream's subscription soon after the right ends, also while nothing happens."""
        subscription.while_true(self.lasts, LOOK_AGAIN)


def event_stream(
    request: Request,
    scope: Scope,
    messages: Callable[[Right], AsyncGenerator[bytes, None]],
    headers: dict[str, str] | None = None,
) -> StreamingResponse:
    """Return a response that sends each event by itself, as clients cut the stream where it is flushed.

    It ends once whoever sent the request may not do any more what `scope` lets them.

    Args:
        messages: makes the events. It has its subscription watched by what it is given.
    """
    right = Right(request, scope)
    told = _while_allowed(messages(right), right.lasts)
    return StreamingResponse(told, media_type="text/event-stream", headers={**HEADERS, **(headers or {})})


async def _while_allowed(
    messages: AsyncGenerator[bytes, None], allowed: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    begun = time.monotonic()
    async with aclosing(messages):  # whoever is not told any more does not listen any more
        async for one in messages:
            if not allowed():  # a look at a file's time, too short to leave the event loop for
                return
            yield one
            if time.monotonic() - begun > TURN:  # two thousand may be at hand for a client that comes back
                await asyncio.sleep(0)
                begun = time.monotonic()
