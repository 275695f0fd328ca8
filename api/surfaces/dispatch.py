"""Dispatches requests to the enabled surfaces, each built at its first request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...asgi.error_codes import ErrorCode
from ...asgi.problem import problem_response
from ...asgi.surfaces.surface import Surface, surface_of
from ..built_routes import build_routes, documented_paths
from ..context import Context
from ..requests.acceptance import NATIVE
from ..requests.parameter_names import NamingRoute
from ..responses.problems import add_handlers
from ..schemas.generate import CommonRequest

BuildSurface = Callable[[Context, type[CommonRequest]], Iterable[APIRouter]]
"""Returns the routers of a surface; the model is that of a generate request on the running host."""


def _openai(context: Context, model: type[CommonRequest]) -> Iterable[APIRouter]:
    from ..compat.openai.routes import routers

    return routers(context, model)


def _a1111(context: Context, model: type[CommonRequest]) -> Iterable[APIRouter]:
    from .a1111 import routers

    return routers(context, model)


def _legacy(_: Context, model: type[CommonRequest]) -> Iterable[APIRouter]:
    from ..compat.legacy import generation, jobs, server
    from ..compat.legacy.requests.bodies import bodies_of

    return [generation.router(bodies_of(model), model), jobs.router, server.router]


def _mcp(context: Context, model: type[CommonRequest]) -> Iterable[APIRouter]:
    from ..compat.mcp.routes import routers

    return routers(context, model)


BUILDERS: dict[Surface, BuildSurface] = {
    Surface.OPENAI: _openai,
    Surface.A1111: _a1111,
    Surface.LEGACY: _legacy,
    Surface.MCP: _mcp,
}
"""Surface → the function that builds it. It imports the surface's package, so that nothing of it is imported at start."""
CountRequest = Callable[[str, int], None]
"""Counts a request of a surface that was answered with this status."""


class Surfaces:
    """The applications of the surfaces, each built at the first request to it, on a thread."""

    def __init__(self, context: Context, model: type[CommonRequest], version: str) -> None:
        self._context = context
        self._model = model
        self._version = version
        self._lock = threading.Lock()
        self._apps: dict[Surface, Future[FastAPI]] = {}

    async def app(self, surface: Surface) -> FastAPI:
        """Return the application of a surface."""
        with self._lock:
            building, is_first = self._apps.get(surface), False
            if building is None:
                building, is_first = self._apps.setdefault(surface, Future()), True
        if is_first:
            threading.Thread(target=self._build, args=(surface, building), daemon=True).start()
        return await asyncio.shield(asyncio.wrap_future(building))

    def _build(self, surface: Surface, building: Future[FastAPI]) -> None:
        try:
            building.set_result(self._built(surface))
        except Exception as error:
            with self._lock:  # the next request tries again
                self._apps.pop(surface, None)
            building.set_exception(error)

    def _built(self, surface: Surface) -> FastAPI:
        app = FastAPI(
            title=f"Fooocus API for clients of {surface.label}",
            version=self._version,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            strict_content_type=False,
        )
        app.router.route_class = NamingRoute
        add_handlers(app)
        app.state.context = self._context
        routers = list(BUILDERS[surface](self._context, self._model))
        for router in routers:
            app.include_router(router)
        build_routes(app)
        app.state.paths = documented_paths(routers)
        return app


class SurfaceDispatch:
    """Innermost ASGI middleware that sends the requests for surfaces to them, and counts all requests by surface and status."""

    def __init__(self, app: ASGIApp, surfaces: Surfaces, enabled: frozenset[Surface], count: CountRequest) -> None:
        self._app = app
        self._surfaces = surfaces
        self._enabled = enabled
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        surface = surface_of(scope)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(surface.value if surface is not None else NATIVE, int(message["status"]))
            await send(message)

        await (await self._app_for(surface))(scope, receive, counted)

    async def _app_for(self, surface: Surface | None) -> Any:
        if surface is None:
            return self._app
        if surface not in self._enabled:
            detail = f"the paths of {surface.label} are switched off; start Fooocus with {surface.value} in --compat"
            return problem_response(ErrorCode.PATH_NOT_FOUND, detail)
        return await self._surfaces.app(surface)
