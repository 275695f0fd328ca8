"""Responses to calls: a stream with progress and signs of life, or one JSON document."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect

from .....auth.keys import Scope
from ....responses.sse import PING
from ....security.event_streams import StreamAccess, event_stream
from .calls import Call, Ending
from .errors import INTERNAL_ERROR, RpcError, error_body
from .messages import RpcMessage, result_body
from .progress import Progress

log = logging.getLogger("fooocus_api.api")

LOOK_S = 0.5
"""Seconds between two looks at a call: progress is reported at most that often."""
SILENCE_S = 15.0
"""Seconds of silence after which a comment is sent, so that no proxy closes the connection."""

Work = asyncio.Task[dict[str, Any]]
"""Computes the result of a call."""


def streamed(call: Call, message: RpcMessage, running: Work, scope: Scope) -> Response:
    """Return a stream of a call's progress and its result. It ends early if the key loses its scope."""

    async def events(access: StreamAccess) -> AsyncGenerator[bytes, None]:
        try:
            async for one in _progress_of(call, message, running, access):
                yield one
            if running.done() and call.ending is None:
                yield event(_response_to(message, running))
        finally:
            call.end(_ending(call) if access.lasts() else Ending.LOST)

    return event_stream(call.request, scope, events)


async def _progress_of(
    call: Call, message: RpcMessage, running: Work, access: StreamAccess
) -> AsyncGenerator[bytes, None]:
    """Yield progress, and comments in its absence, until the call ends or the access is revoked."""
    now = asyncio.get_running_loop().time
    token = message.progress_token
    progress = Progress(token, now()) if token is not None else None
    last_sign = now()
    while not running.done() and access.lasts():
        await asyncio.wait((running,), timeout=LOOK_S)
        if running.done():
            return
        note = None
        if progress is not None and call.observe is not None:
            note = progress.next(await call.observe(), now())
        if note is not None:
            yield event(note)
            last_sign = now()
        elif now() - last_sign >= SILENCE_S:
            yield PING
            last_sign = now()


async def whole(call: Call, message: RpcMessage, running: Work) -> Response:
    """Return a call's result as one document.

    Raises:
        ClientDisconnect: the client has gone.
    """
    gone = asyncio.ensure_future(_disconnected(call.request))
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientDisconnect  # the response is never read
        if call.ending is not None:
            return Response(status_code=202)  # the client cancelled it, and expects no response
        return JSONResponse(_response_to(message, running))
    finally:
        gone.cancel()
        call.end(_ending(call))


def event(content: dict[str, Any]) -> bytes:
    """Return a message as a server-sent event."""
    return format_sse_event(data_str=json.dumps(content, ensure_ascii=False), event="message")


def _ending(call: Call) -> Ending:
    """Return what the end of the connection means. After the result it has no effect."""
    return Ending.CLOSED if call.era.is_modern else Ending.LOST


def _response_to(message: RpcMessage, running: Work) -> dict[str, Any]:
    if message.request_id is None:
        raise ValueError("a notification has no response")
    try:
        return result_body(message.request_id, running.result())
    except RpcError as error:
        return error_body(error, message.request_id)
    except Exception as error:
        log.error("tool failed", extra={"method": message.method}, exc_info=error)
        internal = RpcError(INTERNAL_ERROR, "internal error; Fooocus's console has the details")
        return error_body(internal, message.request_id)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
