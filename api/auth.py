"""Who may call, and who it is: an API key, or the WebUI's login where no key is configured. In front of every route."""

from __future__ import annotations

import base64
import re
from functools import partial

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..tasks.keys import BrokenKeys, Keyring
from ..tasks.limits import LimitReached, RequestRate
from .access import BY_LINK, EVERYTHING, Access, as_stored
from .context import Login
from .errors import Problem, limit_problem, problem_response, shortened
from .links import BadLink, Links
from .tokens import NO_TOKENS, PARAMETER, BadToken, Tokens, taken_from

LINK, TOKEN = "link", "token"
KEY_SCHEMES: dict[str, dict[str, str]] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-KEY", "description": "An API key."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key as the token."},
    "basic": {"type": "http", "scheme": "basic", "description": "An API key as the password, with any user name."},
    TOKEN: {
        "type": "apiKey",
        "in": "query",
        "name": PARAMETER,
        "description": "A token of `POST /v1/tokens`: for minutes, to read alone.",
    },
    LINK: {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "The URL of an image as records give it, with `expires` and `signature`.",
    },
}
"""What lets a request in where there are keys, in the words of OpenAPI."""
LOGIN_SCHEMES: dict[str, dict[str, str]] = {
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": "access-token-unsecure",
        "description": "The WebUI's session, as its `/login` gives it; over HTTPS `access-token` as well.",
    },
}
"""What lets a request in where there are none and the WebUI asks for a login."""
_TASK = re.compile(r"/tasks/([^/]+)(?:/|$)")


def schemes_for(keys: Keyring, login: Login) -> dict[str, dict[str, str]]:
    """The ways in that there are now; none where nothing is needed."""
    return KEY_SCHEMES if keys.needed() else LOGIN_SCHEMES if login.needed else {}


class Doorkeeper:
    """Middleware: lets a request in that carries a key, or that needs none, before anything of its body is read."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keyring,
        login: Login,
        links: Links,
        open_paths: frozenset[str],
        tokens: Tokens = NO_TOKENS,
    ) -> None:
        """`open_paths` are for everyone, and what a signed link of `links` leads to is for whoever has it."""
        self._app = app
        self._keys = keys
        self._login = login
        self._links = links
        self._tokens = tokens
        self._open_paths = open_paths
        self._rate = RequestRate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = taken_from(scope)
            request = Request(scope)
            if token is not None or "signature" in request.query_params:
                send = _without_referrer(send)
            try:
                access = self._access(request, token)
                self._count(access)
            except Problem as problem:
                refusal = problem_response(problem.status, problem.detail, problem.headers, **problem.extra)
                await refusal(scope, receive, send)
                return
            request.state.access, request.state.source = access, access.source
            request.state.access_now = partial(self._access, request, token)
        await self._app(scope, receive, send)

    def _access(self, request: Request, token: str | None) -> Access:
        """Return who it is, as the keys and the login are at this moment.

        Raises:
            Problem: 401, 403 or 404, or 503 when the keys can't be read.
        """
        if request.scope["path"] in self._open_paths:
            return EVERYTHING
        if self._keys.needed():  # a look at a file's time, too short to leave the event loop for
            return self._access_by_key(request, token)
        if self._login.needed and not self._login.is_in(request.cookies):
            message = "log in to the WebUI and send its session cookie, or have an API key made"
            raise Problem(401, message, headers={"WWW-Authenticate": BEARER})
        return EVERYTHING

    def _access_by_key(self, request: Request, token: str | None) -> Access:
        given = _key_in(request)
        if self._has_link(request, alone=given is None and token is None):
            return BY_LINK
        try:
            if given is None and token is not None:
                return self._access_by_token(request, token)
            key = self._keys.find(given or b"")
        except BrokenKeys as error:
            message = "the list of API keys can't be used; Fooocus's console says why"
            raise Problem(503, message, headers={"Retry-After": "60"}) from error
        if key is None:
            what = "the API key is wrong" if given else "an API key is needed: send it as X-API-KEY"
            raise Problem(401, what, headers={"WWW-Authenticate": _challenge(request)})
        return Access.of_key(key)

    def _access_by_token(self, request: Request, token: str) -> Access:
        """Return what a token lets its bearer do: no more than its key may, and to read alone."""
        try:
            grant, key = self._tokens.grant(token)
        except BadToken as error:
            raise Problem(401, str(error), headers={"WWW-Authenticate": BEARER}) from error
        if request.method not in ("GET", "HEAD"):
            raise Problem(403, f"a token is for GET alone, not for {request.method}; send an API key")
        if grant.task_id:
            asked = _TASK.match(request.scope["path"])
            if asked is None:
                raise Problem(403, f"this token opens /tasks/{grant.task_id} and what is below it, and nothing else")
            if as_stored(asked[1]) != grant.task_id:
                raise Problem(404, f"there is no task {shortened(asked[1])}")
        return Access(key.name, frozenset({grant.scope}), key.limits)

    def _count(self, access: Access) -> None:
        if access.limits.requests_per_minute is not None:
            try:
                self._rate.take(access.source, access.limits.requests_per_minute)
            except LimitReached as error:
                raise limit_problem(error) from error

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


def _without_referrer(send: Send) -> Send:
    """Return `send` with a header that keeps browsers from passing the URL on: a right to read is in it."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"referrer-policy", b"no-referrer")]
        await send(message)

    return answer


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
        except ValueError:  # no base64, or not even ASCII
            return None
    return None


BEARER = 'Bearer realm="Fooocus API"'


def _challenge(request: Request) -> str:
    """A browser that opens a page is asked for a password; programs are not."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return 'Basic realm="Fooocus API"' if wants_page else BEARER
