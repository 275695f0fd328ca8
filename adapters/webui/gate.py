"""ASGI middleware around Gradio's app: what goes to the API, and which requests Gradio never receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.routing import Match

from ...asgi.problem import problem_response
from ...asgi.sandbox import sandboxed
from ...asgi.types import AsgiApp, Scope, path_of
from . import form_limits
from .application import Application
from .file_access import FileAccess
from .login import WebUILogin

FILE_ROUTES = ("/file=", "/file/")
"""Prefixes of Gradio's file routes; the file's path follows."""


class ApiGate:
    """Middleware that routes requests for the API's paths to the API, so that they bypass Gradio's routes, errors and CORS."""

    def __init__(
        self, application: Application, api: Callable[[], AsgiApp | None], gradio_app: AsgiApp, routed: Any
    ) -> None:
        """Wrap `gradio_app`.

        Args:
            api: returns the built API, None before the WebUI is built.
            routed: the application inside `gradio_app` that has the routes.
        """
        self._application = application
        self._api = api
        self._gradio_app = gradio_app
        self._routed = routed

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        api = self._api() if scope["type"] == "http" else None
        if api is not None and self._owns(scope):
            await api(scope, receive, send)
        else:
            await self._gradio_app(scope, receive, send)

    def _owns(self, scope: Scope) -> bool:
        """Return whether the API answers this path: its own, or a misspelt one that no route of Gradio or of a fork matches."""
        first = path_of(scope)[1:].partition("/")[0]
        if first in self._application.prefixes:
            return True
        return self._application.is_misspelt(first) and not any(
            route.matches(scope)[0] is not Match.NONE for route in self._routed.routes
        )


class GradioLimits:
    """Middleware that refuses requests for other files than the WebUI needs, and forms that would block the event loop."""

    def __init__(self, app: AsgiApp, files: FileAccess, login: WebUILogin) -> None:
        self._app = app
        self._with_content_type = form_limits.with_content_type(app)
        self._sandboxed = sandboxed(app)
        self._files = files
        self._login = login

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        app = await self._app_for(scope) if scope["type"] == "http" else self._app
        await app(scope, receive, send)

    async def _app_for(self, scope: Scope) -> AsgiApp:
        path = path_of(scope)
        for route in FILE_ROUTES:
            if path.startswith(route):
                if refusal := await self._files.refusal_in_time(path.removeprefix(route)):
                    return problem_response(*refusal)
                # With Gradio's login, images on a sandboxed page would fail: browsers send no cookie from its opaque origin.
                return self._app if self._login.needed else self._sandboxed
        if refusal := form_limits.refusal_of(scope["headers"]):
            return problem_response(*refusal)
        return self._with_content_type
