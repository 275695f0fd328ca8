"""Serves the page at `/dashboard`: a shell that is the same for everyone, and its assets. They hold no data and need no key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..asgi.error_codes import ErrorCode
from ..asgi.problem import problem_response, shortened
from ..asgi.types import path_of
from .page_files import PageFile, PageFiles, read_page_files

ROOT = "/dashboard"
ASSETS = f"{ROOT}/assets/"
LINK = f"{ROOT}/webui_link.js"
"""The script that puts the link to the page into the WebUI."""
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types fooocus",
    ]
)
"""The Content-Security-Policy, also of the assets: a worker has that of its own script."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # With `no-referrer`, browsers send `Origin: null` with a form, which the cross-origin protection would refuse.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
REVALIDATE = {"Cache-Control": "no-cache"}
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
METHODS = ("GET", "HEAD")


class DashboardPage:
    """ASGI middleware that answers the requests below `/dashboard`. It reads the files at the first of them."""

    def __init__(self, app: ASGIApp, read: Callable[[], PageFiles] = read_page_files) -> None:
        """Wrap `app`. `read` returns the files."""
        self._app = app
        self._read = read
        self._files: PageFiles | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_of(scope) if scope["type"] == "http" else ""
        if path == ROOT or path.startswith(f"{ROOT}/"):
            await (await self._answer(scope, path))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, path: str) -> Response:
        if scope["method"] not in METHODS:
            detail = f"{path} does not support {shortened(str(scope['method']))}; use GET"
            return problem_response(ErrorCode.METHOD_NOT_ALLOWED, detail, {**HEADERS, "Allow": ", ".join(METHODS)})
        if self._files is None:
            self._files = await asyncio.to_thread(self._read)
        found = _found(self._files, path)
        if found is None:
            detail = f"dashboard has no file {shortened(path)}; reload the page"
            return problem_response(ErrorCode.PATH_NOT_FOUND, detail, {**HEADERS, "Cache-Control": "no-store"})
        file, caching = found
        headers = {**HEADERS, **caching, "ETag": file.etag}
        if file.etag in _known(scope):
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)  # the server drops the body for HEAD


def _found(files: PageFiles, path: str) -> tuple[PageFile, dict[str, str]] | None:
    """Return the file at a path and its headers, None if there is none. A path is only looked up: none leads elsewhere."""
    if path in files.shells:
        return files.shells[path], REVALIDATE
    if path == LINK:
        return files.link, REVALIDATE
    if not path.startswith(ASSETS):
        return None
    version, _, name = path.removeprefix(ASSETS).partition("/")
    file = files.assets.get(name) if version == files.version else None
    return None if file is None else (file, IMMUTABLE)


def _known(scope: Scope) -> list[str]:
    """Return the validators of the copies that the client has."""
    given = Headers(scope=scope).get("if-none-match", "")
    return [each.strip().removeprefix("W/") for each in given.split(",")]
