"""The server: its URL, its key, and the HTTP request that a `Request` becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import urljoin, urlsplit

import httpx

from .request import Answer, Parameter, Request

DEFAULT_URL = "http://127.0.0.1:7865"
TIMEOUT_S = 60.0
"""Seconds without a byte after which a connection counts as broken. The server answers, or sends a comment, more often."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors after which the server has seen nothing of the request."""


@dataclass(frozen=True)
class Server:
    """One server, as `http://127.0.0.1:7865`, a path of a proxy included. The key is shown nowhere."""

    url: str = DEFAULT_URL
    key: Optional[str] = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"the URL {self.url!r} is not one; it begins with http:// or https://")

    def url_of(self, request: Request) -> str:
        """Return the whole URL of a request."""
        if "://" in request.path:
            return request.path
        return urljoin(f"{self.url.rstrip('/')}/", request.path.lstrip("/"))

    def arguments(self, request: Request) -> dict[str, Any]:
        """Return the arguments for httpx. The key goes to this server only: an image's URL may lead elsewhere."""
        url = self.url_of(request)
        headers = dict(request.headers)
        if self.key is not None and origin_of(url) == origin_of(self.url):
            headers["X-API-KEY"] = self.key
        return {
            "method": request.method,
            "url": url,
            "params": {name: text_of(value) for name, value in request.params.items() if value is not None} or None,
            "headers": headers,
            "content": request.content,
            "files": dict(request.files) if request.files else None,
        }


def origin_of(url: str) -> tuple[str, str, Optional[int]]:
    """Return the scheme, the host and the port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def text_of(value: Parameter) -> Any:
    """Return a query parameter as text."""
    return str(value).lower() if isinstance(value, bool) else value


def answer_of(response: httpx.Response) -> Answer:
    """Return a response whose body has been read."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content, str(response.url).partition("?")[0])
