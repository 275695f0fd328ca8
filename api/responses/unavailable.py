"""A fallback if the API could not start: the reason at `/v1/info`, 503 at every other path. The WebUI continues to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ...asgi.error_codes import ErrorCode
from ...asgi.problem import problem_response
from ...asgi.types import path_of

INFO = "/v1/info"


class Unavailable:
    """An ASGI application for all paths of the API."""

    def __init__(self, info: Callable[[], dict[str, Any]], reason: str) -> None:
        self._info = info
        self._reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an HTTP request; ignore a WebSocket or another kind of connection."""
        if scope["type"] == "http":
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> ASGIApp:
        if path_of(scope).rstrip("/") == INFO and scope["method"] in ("GET", "HEAD"):
            return JSONResponse(self._info())
        return problem_response(ErrorCode.API_UNAVAILABLE, self._reason)
