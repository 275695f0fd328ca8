"""Converts request targets that clients write in other ways into the path that every check and route sees."""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from .hosts import is_host

_ABSOLUTE = re.compile(r"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_SLASHES = re.compile(rb"/{2,}")
_WITH_FILE = re.compile(rb"/(file|proxy)[=/]")
"""Paths of Gradio that end with a file's path or a URL, whose slashes count."""


class OriginForm:
    """The outermost ASGI middleware on every port: turns `GET http://our-host/healthz` into `GET /healthz` with that host.

    So every check sees the same path. The URL's host replaces the Host header (RFC 9112, 3.2.2) and passes the same checks.
    A URL without a host remains a path without a leading slash, which `cross_origin` rejects.

    Repeated slashes become one: programs append `/sdapi/v1/txt2img` to an address that was entered with a slash at its end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(_with_single_slashes(_in_origin_form(scope)), receive, send)


def _in_origin_form(scope: Scope) -> Scope:
    if scope["type"] not in ("http", "websocket") or str(scope["path"]).startswith("/"):
        return scope
    match = _ABSOLUTE.fullmatch(scope.get("raw_path", b"").decode("latin-1"))
    if match is None or not is_host(match[1]):
        return scope
    path = match[2] or "/"
    headers = [(b"host", match[1].encode("latin-1")), *(item for item in scope["headers"] if item[0] != b"host")]
    return {**scope, "path": unquote(path), "raw_path": path.encode("latin-1"), "headers": headers}


def _with_single_slashes(scope: Scope) -> Scope:
    """Return the scope with each run of slashes as one. Encoded slashes are part of a name."""
    sent = scope.get("raw_path", b"") if scope["type"] == "http" else b""
    if b"//" not in sent or not sent.startswith(b"/"):
        return scope
    path = _SLASHES.sub(b"/", sent)
    if _WITH_FILE.search(path):
        return scope
    return {**scope, "path": unquote(path.decode("latin-1")), "raw_path": path}
