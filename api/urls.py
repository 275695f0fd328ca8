"""The public address of things: `--base-url`, else the address the client used."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from .links import UNSIGNED, Links

_HOST = re.compile(r"(?:\[([\w.:%~-]+)\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::(\d{0,5}))?", re.ASCII)
"""A name or an address (in brackets) and perhaps a port, as RFC 3986 has them."""
HIGHEST_PORT = 65535
_PREFIX = re.compile(r"(?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*", re.ASCII)
"""A path as RFC 3986 has it, that can't reach back into the host before it."""


class PublicUrls:
    """Makes absolute URLs for one request, or for none where it is known what they begin with."""

    def __init__(self, request: Request | None, base_url: str | None, links: Links = UNSIGNED) -> None:
        self.base = base_url or (_base_of(request) if request is not None else "")
        self._links = links

    def output(self, path: str) -> str:
        """URL of an image, from its path relative to the outputs folder."""
        return self.image(f"outputs/{path}")

    def image(self, reference: str) -> str:
        """URL of `outputs/…` or `inputs/…`, signed where a key is needed."""
        return f"{self.base}/{quote(reference)}{self._links.query(reference)}"

    def task(self, task_id: str) -> str:
        """URL of a task's record."""
        return f"{self.base}/tasks/{task_id}"


def is_host(text: str) -> bool:
    """Whether a Host header names a host and a port that there may be, and has nothing beside them that would end up in a URL."""
    match = _HOST.fullmatch(text)
    if match is None or int(match[2] or 0) > HIGHEST_PORT:
        return False
    if match[1] is not None:
        try:
            IPv6Address(match[1])  # perhaps with a zone
        except ValueError:
            return False
    return True


def _base_of(request: Request) -> str:
    scheme, host, prefix = request.scope["scheme"], request.headers.get("host") or _address_of(request.scope), ""
    if _from_local_proxy(request.scope):
        scheme = _first(request.headers, "x-forwarded-proto").lower() or scheme
        host = forwarded_host(request.scope) or host
        prefix = _first(request.headers, "x-forwarded-prefix").rstrip("/")
    scheme = scheme if scheme in ("http", "https") else "http"  # uvicorn, too, takes what is forwarded as it is
    return f"{scheme}://{host}{prefix if _PREFIX.fullmatch(prefix) else ''}"


def forwarded_host(scope: Scope) -> str:
    """The host that a client asked a proxy on this machine for, "" when there is no such proxy."""
    host = _first(Headers(scope=scope), "x-forwarded-host") if _from_local_proxy(scope) else ""
    return host if is_host(host) else ""


def _address_of(scope: Scope) -> str:
    """Where the request came in: HTTP/1.0 may name no host."""
    host, port = scope.get("server") or ("localhost", None)
    if port is None:  # a Unix socket
        return "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _first(headers: Headers, name: str) -> str:
    return headers.get(name, "").split(",")[0].strip()


def _from_local_proxy(scope: Scope) -> bool:
    """Whether forwarded headers may be believed: the connection comes from this machine.

    uvicorn has put the forwarded client in place of a loopback peer by now; it marks that with port 0.
    """
    client = scope.get("client")
    if client is None:
        return True  # a Unix socket
    host, port = client
    if port == 0:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
