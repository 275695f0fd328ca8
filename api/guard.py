"""Who stands at the door of a port: refuses what a page of another site sends through somebody's browser, and host names
that are not ours. One in front of the API, one in front of the WebUI."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import problem_response, shortened
from .urls import forwarded_host, is_host

log = logging.getLogger("fooocus_api.guard")

READS = frozenset({"GET", "HEAD", "OPTIONS"})
FILES = "/file"
"""Gradio's route for files, whose names have backslashes on Windows; `adapters.web_files` judges them."""
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Trust:
    """Which names this server goes by, and which other sites' pages may use what is behind the guard.

    Args:
        listen: address it listens on. Beyond loopback any name may lead here; on loopback a foreign one means that somebody
            lets a name of his own point at this machine, so that the browser takes his page for ours (DNS rebinding).
        base_url: the public address, if one was named.
        origins: sites that may, as in `https://shop.example`, or `*` for all; None where `--api-cors` lets nobody in.
        shared: gives the public address of Gradio's `--share`, once there is one.
    """

    def __init__(
        self,
        listen: str,
        base_url: str | None = None,
        origins: Collection[str] | None = (),
        shared: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._any_host = not _is_loopback(listen)
        self._base_url = base_url
        self.takes_sites = origins is not None
        self._origins = frozenset(origin.lower() for origin in origins or ())
        self._shared = shared

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server. Its port does not matter: ports are forwarded."""
        if self._any_host:
            return True
        name = _name(host)
        return _is_loopback(name) or name in [_name(urlsplit(url).netloc) for url in self._public_urls()]

    def allows(self, origin: str) -> bool:
        """Whether that site's pages may do what our own may."""
        return "*" in self._origins or origin.lower() in self._origins

    def is_own(self, origin: str, hosts: Sequence[str]) -> bool:
        """Whether a page's origin is this server, which the request calls `hosts`."""
        place = _place(origin)
        scheme = origin.partition(":")[0]
        own = [f"{scheme}://{host}" for host in hosts if host]
        return place is not None and place in [_place(url) for url in (*own, *self._public_urls())]

    def _public_urls(self) -> list[str]:
        return [url for url in (self._base_url, self._shared()) if url]


class Guard:
    """An ASGI application in front of another. Refusals are problem documents: 403, and 400 or 404 for what no client that
    means well sends.

    Where no other site is taken, what passes loses a foreign Origin: Gradio would let any page read its answers.
    """

    def __init__(self, trust: Trust, app: ASGIApp) -> None:
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
            # Whoever sends such a request may take what follows on the connection for another one than we do.
            closing = {"Connection": "close"} if refusal[0] == 400 else None
            await problem_response(*refusal, closing)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason with which a request is refused, None when it is not."""
        if malformed := _malformation(scope):
            return malformed
        objection = self._objection(scope)
        return None if objection is None else (403, objection)

    def _objection(self, scope: Scope) -> str | None:
        """Why a request is refused, None when it is not."""
        headers = Headers(scope=scope)
        for host in headers.getlist("host"):
            if not self._trust.knows(host):
                host = shortened(host)
                log.warning("foreign host refused", extra={"host": host})
                return (
                    f"this server is not {host!r}; if that name is to lead here, start Fooocus with --base-url "
                    f"http://{host} (or https://), or let it --listen beyond this machine"
                )
        if not _changes_something(scope):
            return None
        page = headers.get("origin") or _origin(headers.get("referer", ""))
        if page and self._trust.allows(page):
            return None
        if self._is_ours(page, headers, scope):
            return None
        page = shortened(page)
        log.warning("cross-site request refused", extra={"origin": page})
        cured = page and self._trust.takes_sites
        cure = f"; if that site may do this, start Fooocus with --api-cors {page}" if cured else ""
        return f"a page of another site{f' ({page})' if page else ''} sent this through a browser{cure}"

    def _without_foreign_origin(self, scope: Scope) -> Scope:
        if scope["type"] == "http" and self._trust.takes_sites:
            return self._without_cookie_of_foreign_page(scope)
        if scope["type"] != "http":
            return scope
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or self._is_own(origin, headers, scope):
            return scope
        return {**scope, "headers": [item for item in scope["headers"] if item[0] != b"origin"]}

    def _without_cookie_of_foreign_page(self, scope: Scope) -> Scope:
        """Return the request without the WebUI's session if another site's page sent it: `--api-cors` opens the API to that
        page's programs, not to whatever the visitor may do who has logged in here. A link to here is the visitor's own click."""
        headers = Headers(scope=scope)
        if "cookie" not in headers:
            return scope
        page, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        clicked = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        foreign = (
            not self._is_own(page, headers, scope) if page else site not in ("same-origin", "none") and not clicked
        )
        if not foreign:
            return scope
        return {**scope, "headers": [item for item in scope["headers"] if item[0] != b"cookie"]}

    def _is_own(self, page: str, headers: Headers, scope: Scope) -> bool:
        return self._trust.is_own(page, [*headers.getlist("host"), forwarded_host(scope)])

    def _is_ours(self, page: str, headers: Headers, scope: Scope) -> bool:
        """Whether a request comes from one of our own pages, from the address bar, or from a program.

        Sec-Fetch-Site is the browser's own word, but it comes over https and on loopback only; Origin comes with all but plain
        GETs; and a page can keep its browser from sending a Referer. So a GET with none of them is taken for a program's
        only if it is not known for a browser's.
        """
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        if page:
            return self._is_own(page, headers, scope)
        return scope["type"] == "websocket" or scope["method"] != "GET" or not _is_browser(headers)


def _malformation(scope: Scope) -> tuple[int, str] | None:
    """What would be taken for one thing here and for another there, with its status: Starlette before 1.0.1 and 1.3.0 pastes
    host and path together and reads the URL anew, and Windows looks for `\\\\name` on another machine, which learns who asks."""
    path = str(scope["path"])
    if not path.startswith("/"):
        return 400, "the path does not begin with a slash"
    headers = Headers(scope=scope)
    for name in ("host", "origin", "content-length", "content-type"):
        if len(headers.getlist(name)) > 1:  # the next program on the way may believe another one of them
            return 400, f"the header {name.title()} is given more than once"
    if "transfer-encoding" in headers and "content-length" in headers:
        return 400, "Content-Length and Transfer-Encoding exclude each other"
    for host in headers.getlist("host"):
        if not is_host(host):
            return 400, "the Host header is no name or address with perhaps a port"
    if "\\" in path and not path.startswith(FILES):
        return 404, "no path here has a backslash in it"
    return None


def _changes_something(scope: Scope) -> bool:
    if scope["type"] == "websocket" or scope["method"] not in READS:
        return True
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return any(name == "action" for name, _ in query)  # GET /tasks?action=delete, which older clients send


def _is_browser(headers: Headers) -> bool:
    return headers.get("user-agent", "").startswith("Mozilla/")


def _origin(url: str) -> str:
    """The origin of a page's address, "" when it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _place(url: str) -> tuple[str, int | None] | None:
    """Host and port that a URL leads to, None when it is none."""
    try:
        parts = urlsplit(url.lower())
        return (_name(parts.netloc), parts.port or DEFAULT_PORTS.get(parts.scheme)) if parts.netloc else None
    except ValueError:
        return None


def _name(host: str) -> str:
    """The name in a Host header, without its port, the brackets of IPv6 and a final dot."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
