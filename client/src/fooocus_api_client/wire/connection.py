"""The server: its URL, its key, and the HTTP request that a `Request` becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import urljoin, urlsplit

import httpx

from .errors import UnexpectedAnswer
from .request import Answer, Parameter, Request

DEFAULT_URL = "http://127.0.0.1:7865"
TIMEOUT_S = 60.0
"""Seconds without a byte after which a connection counts as broken. The server answers, or sends a comment, more often."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors after which the server has seen nothing of the request."""
FINAL = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)
"""Errors of the request itself: it can't be sent at all. Their texts may contain headers, and so the key."""
UNREADABLE = (httpx.DecodingError, httpx.InvalidURL)
"""Errors of httpx that are none of the connection."""
LOOPBACK = ("localhost", "::1")


@dataclass(frozen=True)
class Server:
    """One server, as `http://127.0.0.1:7865`, a path of a proxy included. The key is shown nowhere.

    Raises:
        ValueError: the URL is not one, or the key has other characters than printable ASCII.
    """

    url: str = DEFAULT_URL
    key: Optional[str] = field(default=None, repr=False)
    timeout: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if not self.url.lower().startswith(("http://", "https://")):
            raise ValueError(f"the URL {self.shown!r} is not one; it begins with http:// or https://")
        try:
            origin_of(self.url)
            httpx.URL(self.url)
        except (ValueError, httpx.InvalidURL) as error:
            raise ValueError(f"the URL {self.shown!r} is not one: {error}") from None
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise ValueError("the API key has other characters than printable ASCII; copy it again")

    @property
    def shown(self) -> str:
        """The URL for messages, without a name and a password in it."""
        return without_user(self.url)

    @property
    def is_loopback(self) -> bool:
        """True for this machine, to which no proxy of the environment leads."""
        host = urlsplit(self.url).hostname or ""
        return host in LOOPBACK or host.startswith("127.")

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
            "timeout": httpx.Timeout(self.timeout, read=None if request.waits else self.timeout),
            "follow_redirects": False,  # the key would follow them
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
    return Answer(response.status_code, headers, response.content, without_user(str(response.url).partition("?")[0]))


def is_stream(response: httpx.Response) -> bool:
    """Return whether a response is an event stream."""
    return response.status_code == 200 and response.headers.get("content-type", "").startswith("text/event-stream")


def without_user(url: str) -> str:
    """Return a URL without the name and the password in it."""
    return re.sub(r"^([^/?#]*//)[^/?#]*@", r"\1", url)


def unreadable(server: Server, error: Exception) -> UnexpectedAnswer:
    """Return the client's error for one of `UNREADABLE`."""
    if isinstance(error, httpx.InvalidURL):
        return UnexpectedAnswer(f"a URL is not one: {error}")
    return UnexpectedAnswer(f"{server.shown} sent what can't be decoded: {error}; check the server's URL")
