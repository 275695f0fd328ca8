"""Event streams that end when the client that opened them loses access."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from typing import Protocol

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from ...asgi.slow_readers import PATIENCE_S, StoppedReading, bounded, hang_up
from ...auth.keys import Scope
from .authorization import RECHECK_INTERVAL_S, access_watcher

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Headers that keep proxies from caching or buffering events."""


LOOP_TURN_S = 0.001
"""Seconds that a stream may send without yielding to the event loop."""


class Rechecked(Protocol):
    """A subscription that ends when a check fails."""

    def recheck(self, allowed: Callable[[], bool], interval_s: float) -> None:
        """Check now and at an interval in seconds."""


class StreamAccess:
    """Access to a stream, which may be revoked while the stream is open."""

    def __init__(self, request: Request, scope: Scope, further: Collection[Scope] = ()) -> None:
        self.lasts = access_watcher(request, scope, further)

    def watch(self, subscription: Rechecked) -> None:
        """End a stream's subscription soon after the revocation, even without events."""
        subscription.recheck(self.lasts, RECHECK_INTERVAL_S)


def event_stream(
    request: Request,
    scope: Scope,
    messages: Callable[[StreamAccess], AsyncGenerator[bytes, None]],
    headers: dict[str, str] | None = None,
    further: Collection[Scope] = (),
) -> StreamingResponse:
    """Return a response that sends each event in its own chunk, as some clients split the stream at chunk boundaries.

    The stream ends when the client loses `scope` or one of `further`.

    Args:
        messages: yields the events. It must pass its subscription to the `watch` of the argument.
    """
    access = StreamAccess(request, scope, further)
    return EventStream(_while_allowed(messages(access), access.lasts), headers)


class EventStream(StreamingResponse):
    """A response that sends events until there are no more, or until its client stops reading them.

    An event is on its way when the next one is asked for. A stream without events lasts as long as its client wants.
    """

    def __init__(
        self, events: AsyncGenerator[bytes, None], headers: dict[str, str] | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        super().__init__(events, media_type="text/event-stream", headers={**HEADERS, **(headers or {})})
        self._events = events
        self._patience_s = patience_s

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, bounded(send, self._patience_s))
        except StoppedReading:
            await self._events.aclose()  # frees what it has reserved for the event that was not read
            await hang_up(scope, receive)


async def _while_allowed(
    messages: AsyncGenerator[bytes, None], allowed: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    begun = time.monotonic()
    async with aclosing(messages):  # unsubscribes as soon as the stream ends
        async for one in messages:
            if not allowed():  # one stat call: too short to leave the event loop for
                return
            yield one
            if (
                time.monotonic() - begun > LOOP_TURN_S
            ):  # a client that reconnects may have two thousand events to replay
                await asyncio.sleep(0)
                begun = time.monotonic()
