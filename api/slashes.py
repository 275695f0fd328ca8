"""Paths with a slash at their end: the same as without. A redirect would lose the prefix that a proxy has taken off."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PAGES = frozenset({"/docs"})
"""Pages whose links are relative to their own place: a browser is led there."""


class EitherSlash:
    """An ASGI middleware in front of the router."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its path without the slash."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or len(path) < 2 or not path.endswith("/"):
            await self._app(scope, receive, send)
            return
        path = path.removesuffix("/")
        if path in PAGES:
            await RedirectResponse(f"..{path}", status_code=307)(scope, receive, send)
            return
        await self._app(
            {**scope, "path": path, "raw_path": scope.get("raw_path", b"").removesuffix(b"/")}, receive, send
        )
