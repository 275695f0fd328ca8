"""Answers to OPTIONS requests that are no preflight: clients send them to find out whether a server is there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.responses import Response

from ..types import AsgiApp, Scope
from .surface import Surface, surface_of


class PlainOptions:
    """ASGI middleware that answers OPTIONS under the surfaces' paths with 204, before a key is checked."""

    def __init__(self, app: AsgiApp, surfaces: Collection[Surface]) -> None:
        self._app = app
        self._surfaces = surfaces

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and surface_of(scope, self._surfaces) is not None:
            await Response(status_code=204)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
