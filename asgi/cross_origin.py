"""Cross-origin (CSRF) and DNS-rebinding protection. One instance wraps the API, one the WebUI."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .error_codes import ErrorCode
from .hosts import forwarded_host, is_host, is_loopback
from .problem import problem_response, shortened

log = logging.getLogger("fooocus_api.guard")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CHANGED_BY_GET = "/v1/engines/clean_vram"
"""The end of a path at which a GET of a client of Fooocus-API changes something."""
OWN_ALONE = ("/v1/session", "/v1/keys")
"""The ends of paths at which no page of another origin changes anything, not even one of `--api-cors`: it would sign the visitor
in or out, or, where there is no key yet, take the server from its owner."""
CHANGING = frozenset({"action", "delete"})
"""Query parameters with which a GET changes something: `/tasks?action=delete`, `/v1/generation/job-history?delete=true`."""
FILES = "/file"
"""Gradio's route for files, whose names have backslashes on Windows; `adapters.webui.file_access` checks them."""
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class TrustedOrigins:
    """The server's host names, and the origins whose pages may use the protected application.

    Args:
        listen: address that the server listens on. Beyond loopback every host name is accepted. On loopback a foreign name
            means DNS rebinding: an attacker's domain resolves to this machine, so the browser treats its page as same-origin.
        base_url: the public address, if configured.
        origins: allowed origins, as in `https://shop.example`, or `*` for all; None for the WebUI, which has no CORS.
        shared: returns the public address of Gradio's `--share`, once it exists.
    """

    def __init__(
        self,
        listen: str,
        base_url: str | None = None,
        origins: Collection[str] | None = (),
        shared: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._any_host = not is_loopback(listen)
        self._base_url = base_url
        self.has_cors = origins is not None
        self._origins = frozenset(origin.lower() for origin in origins or ())
        self._shared = shared

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this server. The port is ignored, as ports may be forwarded."""
        if self._any_host:
            return True
        name = _name(host)
        return is_loopback(name) or name in [_name(urlsplit(url).netloc) for url in self._public_urls()]

    def allows(self, origin: str) -> bool:
        """Return whether pages of this origin have the rights of the server's own pages."""
        return "*" in self._origins or origin.lower() in self._origins

    def is_own(self, origin: str, hosts: Sequence[str]) -> bool:
        """Return whether a page's origin is this server, for a request that names the server `hosts`."""
        site = _host_and_port(origin)
        scheme = origin.partition(":")[0]
        own = [f"{scheme}://{host}" for host in hosts if host]
        return site is not None and site in [_host_and_port(url) for url in (*own, *self._public_urls())]

    def _public_urls(self) -> list[str]:
        return [url for url in (self._base_url, self._shared()) if url]


class CrossOriginProtection:
    """ASGI middleware that rejects cross-origin and malformed requests with problem documents: 403 for a foreign origin or host,
    400 or 404 for a request that no legitimate client sends.

    For the WebUI it removes a foreign Origin header from the requests that pass: Gradio would let any page read its responses.
    """

    def __init__(self, trust: TrustedOrigins, app: ASGIApp) -> None:
        self._trust = trust
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(self._without_foreign_origin(scope), receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "cross-site"})
        else:
            # The client may parse the next bytes on this connection as another request than this server (request smuggling).
            closing = {"Connection": "close"} if refusal[0] is ErrorCode.MALFORMED_REQUEST else None
            await problem_response(*refusal, closing)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[ErrorCode, str] | None:
        """Return the code and the reason of a rejection, None to accept the request."""
        return _malformed_reason(scope) or self._reject_reason(scope)

    def _reject_reason(self, scope: Scope) -> tuple[ErrorCode, str] | None:
        """Return the code and the reason to reject a request with 403, None to accept it."""
        headers = Headers(scope=scope)
        for host in headers.getlist("host"):
            if not self._trust.knows(host):
                host = shortened(host)
                log.warning("host rejected", extra={"host": host})
                return (
                    ErrorCode.HOST_NOT_ALLOWED,
                    f"host {host!r} is not allowed; add it with --base-url http://{host} (or https://), or start Fooocus with "
                    "--listen",
                )
        if not _is_unsafe(scope):
            return None
        page = headers.get("origin") or _origin(headers.get("referer", ""))
        if page and self._trust.allows(page) and not _is_own_alone(scope):
            return None
        if self._is_first_party(page, headers, scope):
            return None
        page = shortened(page)
        log.warning("cross-origin request rejected", extra={"origin": page})
        has_remedy = page and self._trust.has_cors and not _is_own_alone(scope)
        remedy = f"; allow this origin with --api-cors {page}" if has_remedy else ""
        reason = f"cross-origin request{f' from {page}' if page else ''} is not allowed{remedy}"
        return ErrorCode.CROSS_ORIGIN_REJECTED, reason

    def _without_foreign_origin(self, scope: Scope) -> Scope:
        if scope["type"] == "http" and self._trust.has_cors:
            return self._without_login_of_foreign_page(scope)
        if scope["type"] != "http":
            return scope
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or self._is_own(origin, headers, scope):
            return scope
        return {**scope, "headers": [item for item in scope["headers"] if item[0] != b"origin"]}

    def _without_login_of_foreign_page(self, scope: Scope) -> Scope:
        """Return the request without what a browser adds by itself if a page of another origin sent it: cookies, and the
        password of HTTP Basic. `--api-cors` allows that page's scripts, but does not lend them the visitor's login; they send
        a key as `X-API-KEY` or `Bearer`. A followed link keeps both."""
        headers = Headers(scope=scope)
        if not any(_is_added_by_browser(header) for header in scope["headers"]):
            return scope
        page, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        clicked = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if site == "same-origin":  # also where a proxy changes the host's name
            return scope
        foreign = not self._is_own(page, headers, scope) if page else site != "none" and not clicked
        if not foreign:
            return scope
        return {**scope, "headers": [header for header in scope["headers"] if not _is_added_by_browser(header)]}

    def _is_own(self, page: str, headers: Headers, scope: Scope) -> bool:
        return self._trust.is_own(page, [*headers.getlist("host"), forwarded_host(scope)])

    def _is_first_party(self, page: str, headers: Headers, scope: Scope) -> bool:
        """Return whether a request comes from one of the server's own pages, from the address bar, or from a program.

        Browsers send Sec-Fetch-Site only over HTTPS and on loopback, and Origin with all but plain GETs; a page can suppress
        the Referer. So a GET with none of the three counts as a program's only if its User-Agent is not a browser's.
        """
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        if page:
            return self._is_own(page, headers, scope)
        return scope["type"] == "websocket" or scope["method"] != "GET" or not _is_browser(headers)


def _malformed_reason(scope: Scope) -> tuple[ErrorCode, str] | None:
    """Return the code and the reason to reject a request that two programs could read differently, None if it is well-formed.

    Starlette before 1.0.1 and 1.3.0 concatenates host and path and parses the URL again. Windows resolves `\\\\name` on
    another machine, to which it discloses the user.
    """
    path = str(scope["path"])
    if not path.startswith("/"):
        return ErrorCode.MALFORMED_REQUEST, "path does not begin with a slash"
    headers = Headers(scope=scope)
    for name in ("host", "origin", "content-length", "content-type"):
        if len(headers.getlist(name)) > 1:  # the next program on the way may use another one of them
            return ErrorCode.MALFORMED_REQUEST, f"header {name.title()} is given more than once"
    if "transfer-encoding" in headers and "content-length" in headers:
        return ErrorCode.MALFORMED_REQUEST, "Content-Length and Transfer-Encoding exclude each other"
    for host in headers.getlist("host"):
        if not is_host(host):
            return ErrorCode.MALFORMED_REQUEST, "Host header is not a name or an address with an optional port"
    if "\\" in path and not path.startswith(FILES):
        return ErrorCode.PATH_NOT_FOUND, "path contains a backslash; the server has no such path"
    return None


def _is_unsafe(scope: Scope) -> bool:
    if scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS:
        return True
    if str(scope["path"]).rstrip("/").endswith(CHANGED_BY_GET):
        return True
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return any(name in CHANGING for name, _ in query)


def _is_own_alone(scope: Scope) -> bool:
    path = str(scope["path"]).rstrip("/")
    return path.endswith(OWN_ALONE) or f"{OWN_ALONE[1]}/" in path


def _is_added_by_browser(header: tuple[bytes, bytes]) -> bool:
    """Return whether a header is one that a browser adds to a request of any page: the page does not know its value."""
    name, value = header
    return name == b"cookie" or (name == b"authorization" and value[:6].lower() == b"basic ")


def _is_browser(headers: Headers) -> bool:
    return headers.get("user-agent", "").startswith("Mozilla/")


def _origin(url: str) -> str:
    """Return the origin of a URL, "" if it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _host_and_port(url: str) -> tuple[str, int | None] | None:
    """Return the host and the port of a URL, None if it is not a URL."""
    try:
        parts = urlsplit(url.lower())
        return (_name(parts.netloc), parts.port or DEFAULT_PORTS.get(parts.scheme)) if parts.netloc else None
    except ValueError:
        return None


def _name(host: str) -> str:
    """Return the name in a Host header, without the port, the brackets of IPv6 and a final dot."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
