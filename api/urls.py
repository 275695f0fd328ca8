"""The public address of things: `--base-url`, else the address the client used."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import quote

from fastapi import Request


class PublicUrls:
    """Makes absolute URLs for one request."""

    def __init__(self, request: Request, base_url: str | None) -> None:
        self.base = base_url or _base_of(request)

    def output(self, path: str) -> str:
        """URL of an image, from its path relative to the outputs folder."""
        return f"{self.base}/outputs/{quote(path)}"

    def task(self, task_id: str) -> str:
        """URL of a task's record."""
        return f"{self.base}/tasks/{task_id}"


def _base_of(request: Request) -> str:
    scheme, host, prefix = request.url.scheme, request.headers.get("host") or request.url.netloc, ""
    if _from_local_proxy(request):
        scheme = _first(request, "x-forwarded-proto") or scheme
        host = _first(request, "x-forwarded-host") or host
        prefix = _first(request, "x-forwarded-prefix").rstrip("/")
    return f"{scheme}://{host}{prefix}"


def _first(request: Request, name: str) -> str:
    return request.headers.get(name, "").split(",")[0].strip()


def _from_local_proxy(request: Request) -> bool:
    """Whether forwarded headers may be believed: the connection comes from this machine.

    uvicorn has put the forwarded client in place of a loopback peer by now; it marks that with port 0.
    """
    if request.client is None:
        return True  # a Unix socket
    if request.client.port == 0:
        return True
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
