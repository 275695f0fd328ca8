"""Public URLs of tasks and images, based on `--base-url` or else on the address that the client used."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from ...auth.signed_urls import UNSIGNED, UrlSigner

_HOST = re.compile(r"(?:\[([\w.:%~-]+)\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::(\d{0,5}))?", re.ASCII)
"""A host name or a bracketed address with an optional port (RFC 3986)."""
MAX_PORT = 65535
_PREFIX = re.compile(r"(?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*", re.ASCII)
"""A path (RFC 3986) that can't become part of the host before it."""


class PublicUrls:
    """Builds absolute URLs, for a request or from a given base URL alone."""

    def __init__(self, request: Request | None, base_url: str | None, links: UrlSigner = UNSIGNED) -> None:
        self.base = base_url or (_base_of(request) if request is not None else "")
        self._links = links

    def output(self, path: str) -> str:
        """Return the URL of an image by its path relative to the outputs folder."""
        return self.image(f"outputs/{path}")

    def image(self, reference: str) -> str:
        """Return the URL of `outputs/…` or `inputs/…`, signed if a key is needed."""
        return f"{self.base}/{quote(reference)}{self._links.query(reference)}"

    def task(self, task_id: str) -> str:
        """Return the URL of a task's record."""
        return f"{self.base}/tasks/{task_id}"


def is_host(text: str) -> bool:
    """Return whether a Host header consists of a valid host and port only, as other text would end up in URLs."""
    match = _HOST.fullmatch(text)
    if match is None or int(match[2] or 0) > MAX_PORT:
        return False
    if match[1] is not None:
        try:
            IPv6Address(match[1])  # may have a zone
        except ValueError:
            return False
    return True


def _base_of(request: Request) -> str:
    scheme, host, prefix = request.scope["scheme"], request.headers.get("host") or _address_of(request.scope), ""
    if _from_local_proxy(request.scope):
        scheme = _first(request.headers, "x-forwarded-proto").lower() or scheme
        host = forwarded_host(request.scope) or host
        prefix = _first(request.headers, "x-forwarded-prefix").rstrip("/")
    scheme = scheme if scheme in ("http", "https") else "http"  # uvicorn copies the forwarded scheme without a check
    return f"{scheme}://{host}{prefix if _PREFIX.fullmatch(prefix) else ''}"


def forwarded_host(scope: Scope) -> str:
    """Return the host that the client requested from a proxy on this machine, "" without such a proxy."""
    host = _first(Headers(scope=scope), "x-forwarded-host") if _from_local_proxy(scope) else ""
    return host if is_host(host) else ""


def _address_of(scope: Scope) -> str:
    """Return the address that received the request, as an HTTP/1.0 request may lack a Host header."""
    host, port = scope.get("server") or ("localhost", None)
    if port is None:  # a Unix socket
        return "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _first(headers: Headers, name: str) -> str:
    return headers.get(name, "").split(",")[0].strip()


def _from_local_proxy(scope: Scope) -> bool:
    """Return whether to trust forwarded headers: the connection comes from this machine.

    uvicorn has already replaced a loopback peer by the forwarded client, with port 0.
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
