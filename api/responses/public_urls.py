"""Public URLs of tasks and images, based on `--base-url` or else on the address that the client used."""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import Request
from starlette.types import Scope

from ...asgi.hosts import first_value, forwarded_host, is_from_local_proxy
from ...auth.signed_urls import UNSIGNED, UrlSigner
from ...images.references import ImageReference
from ...images.views.sizes import ViewSize

_PREFIX = re.compile(r"(?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*", re.ASCII)
"""A path (RFC 3986) that can't become part of the host before it."""


class PublicUrls:
    """Builds absolute URLs, for a request or from a given base URL alone."""

    def __init__(self, request: Request | None, base_url: str | None, links: UrlSigner = UNSIGNED) -> None:
        self.base = base_url or (_base_of(request) if request is not None else "")
        self._links = links

    def output(self, path: str, size: tuple[int, int] | None = None) -> str:
        """Return the URL of an image by its path relative to the outputs folder, with a `size` that of its view."""
        return self._url(str(ImageReference.output(path)), None if size is None else str(ViewSize(*size)))

    def image(self, reference: str) -> str:
        """Return the URL of `outputs/…` or `inputs/…`, signed if a key is needed."""
        return self._url(reference)

    def _url(self, reference: str, size: str | None = None) -> str:
        return f"{self.base}/{quote(reference)}{self._links.query(reference, size)}"

    def model_download(self, download_id: str) -> str:
        """Return the URL of a download's state."""
        return f"{self.base}/v1/engine/model-files/downloads/{download_id}"

    def task(self, task_id: str) -> str:
        """Return the URL of a task's record."""
        return f"{self.base}/tasks/{task_id}"


def _base_of(request: Request) -> str:
    scheme, host, prefix = request.scope["scheme"], request.headers.get("host") or _address_of(request.scope), ""
    if is_from_local_proxy(request.scope):
        scheme = first_value(request.headers, "x-forwarded-proto").lower() or scheme
        host = forwarded_host(request.scope) or host
        prefix = first_value(request.headers, "x-forwarded-prefix").rstrip("/")
    scheme = scheme if scheme in ("http", "https") else "http"  # uvicorn copies the forwarded scheme without a check
    return f"{scheme}://{host}{prefix if _PREFIX.fullmatch(prefix) else ''}"


def _address_of(scope: Scope) -> str:
    """Return the address that received the request, as an HTTP/1.0 request may lack a Host header."""
    host, port = scope.get("server") or ("localhost", None)
    if port is None:  # a Unix socket
        return "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
