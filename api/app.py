"""Builds the API as one ASGI application, with its own docs, schema and errors."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from .. import __version__
from ..asgi.error_codes import ErrorCode
from ..asgi.parts import Parts
from ..asgi.problem import problem_response
from ..asgi.surfaces.no_oauth import NoOAuth
from ..asgi.surfaces.plain_options import PlainOptions
from ..asgi.surfaces.surface import NAMED_PATHS
from ..dashboard.serving import DashboardPage
from ..guide.serving import GuidePages
from .built_routes import build_routes, documented_paths
from .context import Context
from .openapi import build_schema, build_surface_schema
from .requests.parameter_names import IgnoredHeader, NamingRoute
from .responses.images import not_modified
from .responses.problems import add_handlers, responses
from .routes import engine, health, tokens
from .routes.access import keys, session
from .routes.batches import archive, batches, create, results
from .routes.batches import events as batch_events
from .routes.catalog import details, models, names, presets, styles
from .routes.generation import route as generation
from .routes.images import archive as image_archive
from .routes.images import inputs, outputs
from .routes.model_files import downloads, files
from .routes.queue import nodes, queue, stats
from .routes.tasks import actions, bulk, counts, events, repeat, tasks, webhooks
from .routes.tools import describe, expand_prompt, mask, read_metadata, unload
from .schemas.host_request import request_model
from .security.authentication import AuthenticationMiddleware
from .security.cors import add_cors
from .security.open_paths import OPEN_PATHS
from .security.session_cookies import SessionCookies
from .surfaces.dispatch import SurfaceDispatch, Surfaces
from .trailing_slashes import EitherSlash

ABOUT = """Generates images with the Fooocus that runs here. API and WebUI share one queue and one GPU: clicks in the browser and
requests of programs both become tasks.

Errors are `application/problem+json`: `code` identifies the problem, `detail` explains it, and `errors` lists each invalid field
with a `code` of its own and the allowed values."""


LINKS = (
    b'<nav style="font:16px sans-serif;max-width:1460px;margin:12px auto;padding:0 20px;display:flex;gap:20px">%s'
    b'<a href="guide/">Guide</a></nav>'
)
"""The links on the docs page. `%s` is that of the dashboard, if there is one."""
DASHBOARD_LINK = b'<a href="dashboard">Dashboard</a>'
ASSET_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
}


class DocsAssets(StaticFiles):
    """The files of the docs page, with fixed media types: Windows's registry may define others for .js and .css."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        media_type = ASSET_TYPES.get(Path(path).suffix)
        if media_type is not None and "content-type" in response.headers:
            response.headers["content-type"] = media_type
        return response


def create_api(context: Context) -> FastAPI:
    """Return the application. On a separate port it receives all requests; on the WebUI's port only `path_prefixes.PATHS`."""
    app = FastAPI(
        title="Fooocus API",
        version=__version__,
        description=ABOUT,
        license_info={"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,  # cross_origin.py rejects pages of other origins, with any content type
    )
    app.router.route_class = NamingRoute
    add_handlers(app)
    model = request_model(context)
    surfaces = Surfaces(context, model, __version__)
    app.add_middleware(
        SurfaceDispatch,
        surfaces=surfaces,
        enabled=context.surfaces,
        count=context.task_services.metrics.count_request if context.task_services is not None else _no_count,
    )
    app.add_middleware(IgnoredHeader)
    app.add_middleware(
        AuthenticationMiddleware,
        keys=context.security.keys,
        login=context.security.login,
        links=context.security.links,
        tokens=context.security.tokens,
        open_paths=OPEN_PATHS,
    )
    app.add_middleware(SessionCookies, sessions=context.security.sessions)
    app.add_middleware(NoOAuth)
    app.add_middleware(PlainOptions, surfaces=context.surfaces)
    # Added later, so it runs before AuthenticationMiddleware: preflights carry no key.
    add_cors(app, context.security.api_cors)
    app.add_middleware(EitherSlash)
    if context.has_dashboard:
        app.add_middleware(DashboardPage)
    app.add_middleware(GuidePages)
    app.add_middleware(Parts)
    app.state.context = context
    app.state.history_check = health.history_check(context)
    routers = [
        generation.router(context, model),
        counts.router,  # before the tasks, whose path would take its names for ids
        tasks.router,
        bulk.router,  # before the routes with a task's id
        actions.router,
        repeat.router(context, model),
        webhooks.router,
        events.router,
        queue.router,
        nodes.router,
        stats.router,
        create.router(context),
        batches.router,
        batches.control,
        batch_events.router,
        results.router,
        archive.router,
        image_archive.router,
        outputs.router,
        inputs.router,
        tokens.router,
        session.router,
        keys.router,
        describe.router,
        mask.router(context),
        read_metadata.router(context, model),
        expand_prompt.router(context, model),
        unload.router,
        names.router,
        details.router,
        models.router(context),
        styles.router,
        presets.router(context, model),
        files.router,
        downloads.router,
        engine.router,
    ]
    for router in routers:
        app.include_router(router, responses=responses(401, 403, 429, 503))
    routers.append(health.router)
    app.include_router(routers[-1])
    app.state.paths = documented_paths(routers) + [path for own in context.surfaces for path in NAMED_PATHS[own]]
    _add_docs(app, context, surfaces)
    build_routes(app)
    return app


def _no_count(*_: object) -> None:
    """Count nothing: this host is not supported, so that there are no metrics."""


def _add_docs(app: FastAPI, context: Context, surfaces: Surfaces) -> None:
    app.mount("/docs/assets", DocsAssets(directory=Path(fastapi_offline.__file__).parent / "static"))

    @app.get("/v1/openapi.json", include_in_schema=False)
    def schema(request: Request) -> Response:
        response = JSONResponse(build_schema(app, context))  # serialized here, on a thread: it has half a megabyte
        response.headers["etag"] = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
        response.headers["cache-control"] = "no-cache"
        return not_modified(request, response) or response

    @app.get("/v1/openapi/{name}.json", include_in_schema=False)
    async def surface_schema(name: str) -> Response:
        known = {surface.value: surface for surface in context.surfaces}
        if name not in known:
            detail = f"no schema has this name; use one of {', '.join(sorted(known)) or 'none, as --compat is none'}"
            return problem_response(ErrorCode.PATH_NOT_FOUND, detail)
        found = await surfaces.app(known[name])
        return await asyncio.to_thread(lambda: JSONResponse(build_surface_schema(found, context)))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        # Relative addresses, so that the page works behind a proxy that adds a prefix.
        page = get_swagger_ui_html(
            openapi_url="v1/openapi.json",
            title="Fooocus API",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
            swagger_ui_parameters={"tryItOutEnabled": True, "defaultModelsExpandDepth": 0},
        )
        links = LINKS % (DASHBOARD_LINK if context.has_dashboard else b"")
        content = bytes(page.body).replace(b"<body>", b"<body>" + links, 1)
        return HTMLResponse(content, headers={"Content-Security-Policy": "frame-ancestors 'none'"})

    @app.get("/", include_in_schema=False)
    def root() -> Response:
        return RedirectResponse("docs", status_code=307)
