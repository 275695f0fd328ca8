"""Host names in requests: their form, and the one that a proxy on this machine forwards."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

_HOST = re.compile(r"(?:\[([\w.:%~-]+)\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::(\d{0,5}))?", re.ASCII)
"""A host name or a bracketed address with an optional port (RFC 3986)."""
MAX_PORT = 65535


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


def forwarded_host(scope: Scope) -> str:
    """Return the host that the client requested from a proxy on this machine, "" without such a proxy."""
    host = first_value(Headers(scope=scope), "x-forwarded-host") if is_from_local_proxy(scope) else ""
    return host if is_host(host) else ""


def first_value(headers: Headers, name: str) -> str:
    """Return the first of the comma-separated values of a header, "" without one."""
    return headers.get(name, "").split(",")[0].strip()


def is_from_local_proxy(scope: Scope) -> bool:
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


def is_loopback(name: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
