"""What a request line asks for: a path of ours, or a whole URL, as clients send it that take us for a proxy."""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from .urls import is_host

_ABSOLUTE = re.compile(r"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)


class OriginForm:
    """Outermost on every port: to all behind it `GET http://our-host/healthz` is `GET /healthz` with that host.

    So nothing is decided by a path that another one would read in another way. As RFC 9112 has it (3.2.2), the URL's host
    stands in place of the Host header, and is judged as that would be. A URL with no host in it stays a path without a slash,
    which is refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(_in_origin_form(scope), receive, send)


def _in_origin_form(scope: Scope) -> Scope:
    if scope["type"] not in ("http", "websocket") or str(scope["path"]).startswith("/"):
        return scope
    match = _ABSOLUTE.fullmatch(scope.get("raw_path", b"").decode("latin-1"))
    if match is None or not is_host(match[1]):
        return scope
    path = match[2] or "/"
    headers = [(b"host", match[1].encode("latin-1")), *(item for item in scope["headers"] if item[0] != b"host")]
    return {**scope, "path": unquote(path), "raw_path": path.encode("latin-1"), "headers": headers}
