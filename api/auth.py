"""Who may call, and who it is: the API key, as X-API-KEY, Bearer token or Basic password. A dependency of every route."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from fastapi import Request
from fastapi.security import APIKeyHeader

from .errors import Problem
from .links import UNSIGNED, BadLink, Links

api_key_header = APIKeyHeader(name="X-API-KEY", auto_error=False, description="Needed when Fooocus runs with --apikey.")


class KeyCheck:
    """Lets a request pass when it carries one of the keys, or when there are none."""

    def __init__(self, keys: tuple[str, ...], open_paths: frozenset[str], links: Links = UNSIGNED) -> None:
        """`open_paths` need no key, nor does what a signed link of `links` leads to."""
        self._links = links
        self._open_paths = open_paths
        self._keys = [key.encode() for key in keys]

    async def __call__(self, request: Request) -> None:
        request.state.source = "api"
        if not self._keys or request.scope["path"] in self._open_paths:
            return
        given = _key_in(request)
        if self._has_link(request, alone=given is None):
            return
        if given is None or not self._is_known(given):
            what = "the API key is wrong" if given else "an API key is needed: send it as X-API-KEY"
            raise Problem(401, what, headers={"WWW-Authenticate": _challenge(request)})
        request.state.source = f"key-{hashlib.sha256(given).hexdigest()[:8]}"

    def _has_link(self, request: Request, *, alone: bool) -> bool:
        """Whether the request came by a signed link. A bad one is refused if it comes alone, without a key."""
        if request.method not in ("GET", "HEAD"):
            return False
        try:
            return self._links.opens(request.scope["path"].removeprefix("/"), request.query_params)
        except BadLink as error:
            if alone:
                raise Problem(403, str(error)) from None
            return False

    def _is_known(self, given: bytes) -> bool:
        matches = [secrets.compare_digest(given, key) for key in self._keys]  # all of them, so that time tells nothing
        return any(matches)


def _key_in(request: Request) -> bytes | None:
    """The key as the bytes that were sent: header values are text in no certain encoding."""
    if key := request.headers.get("x-api-key"):
        return key.encode("latin-1")
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).partition(b":")[2]
        except binascii.Error:
            return None
    return None


def _challenge(request: Request) -> str:
    """A browser that opens a page is asked for a password; programs are not."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return 'Basic realm="Fooocus API"' if wants_page else 'Bearer realm="Fooocus API"'
