"""The cookie of a signed-in browser: its name and attributes, and the middleware that finds its session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...asgi.error_codes import ErrorCode
from ...auth.keys import Key
from ...tasks.service import DatabaseUnavailable
from ...tasks.storage.session_store import Session
from ...tasks.storage.sessions import LIFETIME_S, Sessions
from ..responses.problems import Problem
from ..responses.public_urls import PublicUrls

_IDENTIFIER = re.compile(r"[\w-]{43}", re.ASCII)
MARK = "session_cookie_mark"
"""Name of the state of a request that has the mark of the cluster in the cookie's name."""
_BEARER = re.compile(rb"bearer\s", re.IGNORECASE)


@dataclass(frozen=True)
class GivenSession:
    """The session that a request's cookie names: `problem` if the sessions can't be read."""

    sessions: Sessions
    identifier: str
    problem: Problem | None = None

    def find(self) -> tuple[Session, Key] | None:
        """Return the session and its key, None if it has ended.

        Raises:
            Problem: 503, the sessions can't be read.
            BrokenKeys: the file of keys can't be used.
        """
        if self.problem is not None:
            raise self.problem
        return self.sessions.find(self.identifier)


class SessionCookies:
    """ASGI middleware that finds the session of a request with the cookie, before its access is determined.

    A request without the cookie, or with a key in X-API-KEY or as a bearer token, passes at once. A name and a password do not go
    before the cookie: browsers send those of a proxy in front with each request. Pages of other origins never come here with a
    cookie: the cross-origin protection removes it. What such a page embeds is kept from it by `Cross-Origin-Resource-Policy`.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identifier = None
        if scope["type"] == "http" and self._sessions.cookie_mark is not None:
            scope.setdefault("state", {})[MARK] = self._sessions.cookie_mark
        if scope["type"] == "http" and not any(_is_key(*header) for header in scope["headers"]):
            identifier = identifier_in(scope)
        if identifier is None:
            await self._app(scope, receive, send)
            return
        problem = None
        try:
            await self._sessions.load(identifier)
        except DatabaseUnavailable as error:
            problem = Problem(ErrorCode.DATABASE_UNAVAILABLE, str(error), headers={"Retry-After": "5"})
        scope.setdefault("state", {})["session"] = GivenSession(self._sessions, identifier, problem)
        await self._app(scope, receive, _for_own_pages(send))


def _is_key(name: bytes, value: bytes) -> bool:
    """Return whether a header goes before the cookie."""
    return name in (b"x-api-key", b"api-key") or (name == b"authorization" and _BEARER.match(value) is not None)


def given_session(request: Request) -> GivenSession | None:
    """Return the session that the request's cookie names, None without one or with a key in X-API-KEY or as a bearer token."""
    given: GivenSession | None = request.scope.get("state", {}).get("session")
    return given


def identifier_in(scope: Scope) -> str | None:
    """Return the id in a request's cookie, None without one. Of several, browsers send that of the longest path first."""
    beginning = f"{cookie_name(scope)}=".encode()
    for name, value in scope["headers"]:
        if name != b"cookie" or beginning not in value:
            continue
        for part in value.split(b";"):
            text = part.strip()
            if text.startswith(beginning):
                identifier = text.removeprefix(beginning).decode("latin-1")
                return identifier if _IDENTIFIER.fullmatch(identifier) else None
    return None


def cookie_name(scope: Scope) -> str:
    """Return the cookie's name. It has the server's port, as browsers send a cookie to all ports of a host; in a cluster it has a
    mark that all its processes share."""
    _, port = scope.get("server") or ("", None)
    return f"fooocus_api_{scope.get('state', {}).get(MARK) or port or 0}"


def is_over_https(request: Request) -> bool:
    """Return whether the browser uses HTTPS. A tunnel may hide that, but not the page's origin."""
    return request.headers.get("origin", "").startswith("https://") or _address(request).startswith("https://")


def set_cookie(request: Request, response: Response, identifier: str, *, is_secure: bool) -> None:
    """Give the browser the cookie, for 30 days from now."""
    _set(request, response, identifier, LIFETIME_S, is_secure=is_secure)


def delete_cookie(request: Request, response: Response) -> None:
    """Take the cookie from the browser."""
    _set(request, response, "", 0, is_secure=is_over_https(request))


def _set(request: Request, response: Response, value: str, seconds: int, *, is_secure: bool) -> None:
    path = urlsplit(_address(request)).path or "/"
    name = cookie_name(request.scope)
    response.set_cookie(name, value, max_age=seconds, path=path, secure=is_secure, httponly=True, samesite="strict")


def _address(request: Request) -> str:
    """Return the address that the browser uses, with the prefix of a proxy."""
    return PublicUrls(request, None).base


def _for_own_pages(send: Send) -> Send:
    """Return a `send` that keeps pages of other origins from embedding the response."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"cross-origin-resource-policy", b"same-origin")]
        await send(message)

    return answer
