"""Problem documents in the shape of the API that a client speaks: of its key check, its router and its guard as of its routes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from ..problem import PROBLEM
from ..types import AsgiApp, Scope
from .surface import Surface, surface_of


@dataclass
class ErrorReply:
    """An error response: `body` is JSON; `headers` may be changed, and keep what is not."""

    status: int
    body: Any
    headers: MutableMapping[str, str] = field(default_factory=dict)


ErrorShape = Callable[[ErrorReply, str], ErrorReply]
"""Returns a problem document in the shape of a surface. The text is the path of the request."""
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ErrorShapes:
    """ASGI middleware that converts the problem documents of responses under a surface's paths. It is the outermost."""

    def __init__(self, app: AsgiApp, shapes: Mapping[Surface, ErrorShape]) -> None:
        """Wrap `app`; `shapes` has the surfaces that are enabled."""
        self._app = app
        self._shapes = shapes

    async def __call__(self, scope: Scope, receive: Any, send: _Send) -> None:
        surface = surface_of(scope, self._shapes) if scope["type"] == "http" else None
        if surface is None:
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Converted(self._shapes[surface], scope, send).send)


class _Converted:
    """The `send` of one request: a problem document is collected, converted and sent, and all else passes."""

    def __init__(self, shape: ErrorShape, scope: Scope, send: _Send) -> None:
        self._shape = shape
        self._scope = scope
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._response(self._start)(self._scope, _nothing, self._send)

    def _response(self, start: MutableMapping[str, Any]) -> Response:
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in start["headers"]
            if name not in (b"content-type", b"content-length")
        }
        body = json.loads(self._body) if self._body else {"status": start["status"], "detail": ""}
        reply = self._shape(ErrorReply(start["status"], body, headers), str(self._scope["path"]))
        if self._scope["method"] == "HEAD":
            return Response(status_code=reply.status, headers=dict(reply.headers))
        return JSONResponse(reply.body, reply.status, headers=dict(reply.headers))


def _is_problem(start: MutableMapping[str, Any]) -> bool:
    return any(name == b"content-type" and value.startswith(PROBLEM.encode()) for name, value in start["headers"])


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}
