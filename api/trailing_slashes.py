"""Serves paths with a trailing slash like those without. A redirect would lose the prefix that a proxy has removed."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PAGES = frozenset({"/docs"})
"""Pages with relative links, which need a redirect to the path without the slash."""


class EitherSlash:
    """ASGI middleware that removes a trailing slash before routing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request with its path without the slash."""
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
