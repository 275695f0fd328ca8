"""The API's answer where it could not be built: the reason at `/v1/info`, and 503 for all else. Fooocus's WebUI goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import problem_response

INFO = "/v1/info"


class Unavailable:
    """An ASGI application for all of the API's paths."""

    def __init__(self, info: Callable[[], dict[str, Any]], reason: str) -> None:
        self._info = info
        self._reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a WebSocket or another kind of connection is left unanswered."""
        if scope["type"] == "http":
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> ASGIApp:
        if scope["path"].rstrip("/") == INFO and scope["method"] in ("GET", "HEAD"):
            return JSONResponse(self._info())
        return problem_response(503, self._reason)
