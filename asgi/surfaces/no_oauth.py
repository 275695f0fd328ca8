"""Answers to clients of MCP that look for an OAuth server: there is none, as keys are sent as they are."""

from __future__ import annotations

from typing import Any

from ..error_codes import ErrorCode
from ..problem import problem_response
from ..types import AsgiApp, Scope, path_of

FOLDERS = ("/.well-known/", "/mcp/.well-known/")
"""Paths under which clients look for the metadata of such a server."""
REGISTER = "/register"
"""The path at which they register themselves if there is none."""


class NoOAuth:
    """ASGI middleware that answers these paths with 404, before a key is checked.

    A 401 would end the search with an error in place of the message that a key is needed.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        path = path_of(scope)
        if scope["type"] == "http" and (path.startswith(FOLDERS) or path == REGISTER):
            detail = "this server has no OAuth; send an API key as Authorization: Bearer KEY"
            await problem_response(ErrorCode.PATH_NOT_FOUND, detail)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
