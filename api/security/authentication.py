"""Authenticates requests by API key, token or signed URL, or by the WebUI's login if no key is configured."""

from __future__ import annotations

import base64
import re
from functools import partial

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...asgi.error_codes import ErrorCode
from ...asgi.problem import shortened
from ...asgi.surfaces.surface import Surface, surface_of
from ...asgi.types import path_of
from ...auth.keyring import Keyring
from ...auth.keys import BrokenKeys
from ...auth.rate_limit import LimitReached, RequestRate
from ...auth.signed_urls import InvalidSignature, UrlSigner
from ...auth.tokens import NO_TOKENS, PARAMETER, BadToken, Tokens, pop_token
from ...images.references import without_older_prefix
from ..context import Login
from ..responses.problems import Problem, keys_problem, limit_problem
from .authorization import FULL_ACCESS, NO_ACCESS, SIGNED_URL_ACCESS, Access, as_stored
from .open_paths import SESSION
from .session_cookies import GivenSession, given_session
from .wrong_keys import WRONG_KEYS

LINK, TOKEN, COOKIE = "link", "token", "session"
KEY_SCHEMES: dict[str, dict[str, str]] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-KEY", "description": "An API key."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key as the token."},
    "basic": {"type": "http", "scheme": "basic", "description": "An API key as the password, with any user name."},
    TOKEN: {
        "type": "apiKey",
        "in": "query",
        "name": PARAMETER,
        "description": "A short-lived, read-only token from `POST /v1/tokens`.",
    },
    COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": "fooocus_api_<port>",
        "description": "The cookie of a browser that `POST /v1/session` has signed in; its name has the server's port.",
    },
    LINK: {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "A signed URL of an image, as records contain it, with `expires` and `signature`.",
    },
}
"""OpenAPI security schemes if keys are configured."""
LOGIN_SCHEMES: dict[str, dict[str, str]] = {
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": "access-token-unsecure",
        "description": "The WebUI's session cookie from its `/login`; over HTTPS also `access-token`.",
    },
}
"""OpenAPI security schemes if no key is configured and the WebUI requires a login."""
_TASK = re.compile(r"/tasks/([^/]+)(?:/|$)")


def security_schemes(keys: Keyring, login: Login) -> dict[str, dict[str, str]]:
    """Return the security schemes in force now, empty if no credentials are needed."""
    return KEY_SCHEMES if keys.needed() else LOGIN_SCHEMES if login.needed else {}


class AuthenticationMiddleware:
    """ASGI middleware that rejects unauthenticated requests, and those over their key's rate limit, before their body is read."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keyring,
        login: Login,
        links: UrlSigner,
        open_paths: frozenset[str],
        tokens: Tokens = NO_TOKENS,
    ) -> None:
        """Accept every request for `open_paths` and every GET or HEAD with a URL that `links` has signed."""
        self._app = app
        self._keys = keys
        self._login = login
        self._links = links
        self._tokens = tokens
        self._open_paths = open_paths
        self._rate = RequestRate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = pop_token(scope)
            request = Request(scope)
            if token is not None or "signature" in request.query_params:
                send = _without_referrer(send)
            try:
                access = self._access(request, token, counts=True)
                self._count(access)
            except Problem as problem:
                await problem.response()(scope, receive, send)
                return
            request.state.access, request.state.source = access, access.source
            request.state.access_now = partial(self._access, request, token)
        await self._app(scope, receive, send)

    def _access(self, request: Request, token: str | None, *, counts: bool = False) -> Access:
        """Return the client's access, by the current keys and login.

        Args:
            counts: count a wrong key against the limit of its address; false to check an open stream again.

        Raises:
            Problem: 401, 403 or 404; 429 after too many wrong keys; or 503 when the keys can't be read.
        """
        path = path_of(request.scope)
        if path in self._open_paths:
            return FULL_ACCESS
        try:
            return self._access_of_client(request, token, counts)
        except Problem as problem:
            if path == SESSION and problem.code is ErrorCode.UNAUTHORIZED:
                return NO_ACCESS
            raise

    def _access_of_client(self, request: Request, token: str | None, counts: bool) -> Access:
        if self._keys.needed():  # one stat call: too short to leave the event loop for
            return self._access_by_key(request, token, counts)
        if self._login.needed and not self._login.is_in(request.cookies):
            message = "WebUI login is required; log in and send its session cookie, or create an API key"
            raise Problem(ErrorCode.UNAUTHORIZED, message, headers={"WWW-Authenticate": BEARER})
        return FULL_ACCESS

    def _access_by_key(self, request: Request, token: str | None, counts: bool) -> Access:
        given = _key_in(request)
        session = given_session(request) if token is None else None
        if self._has_link(request, alone=given is None and token is None and session is None):
            return SIGNED_URL_ACCESS
        try:
            if given is None and token is not None:
                return self._access_by_token(request, token)
            if session is not None and (given is None or session.find() is not None):
                return _access_by_session(request, session)
            # a password counts once the session has ended
            key = WRONG_KEYS.checked(self._keys, request, given) if given and counts else self._keys.find(given or b"")
        except BrokenKeys as error:
            raise keys_problem(error) from error
        if key is None:
            what = "API key is invalid" if given else "API key is required; send it as X-API-KEY"
            raise Problem(ErrorCode.UNAUTHORIZED, what, headers={"WWW-Authenticate": _challenge(request)})
        return Access.of_key(key)

    def _access_by_token(self, request: Request, token: str) -> Access:
        """Return a token's access: read-only, and never more than its key's."""
        try:
            grant, key = self._tokens.grant(token)
        except BadToken as error:
            raise Problem(ErrorCode.UNAUTHORIZED, str(error), headers={"WWW-Authenticate": BEARER}) from error
        if request.method not in ("GET", "HEAD"):
            raise Problem(ErrorCode.TOKEN_RESTRICTED, f"token allows only GET, not {request.method}; send an API key")
        if grant.task_id:
            asked = _TASK.match(path_of(request.scope))
            if asked is None:
                raise Problem(
                    ErrorCode.TOKEN_RESTRICTED,
                    f"token is limited to /tasks/{grant.task_id} and the paths below it",
                )
            if as_stored(asked[1]) != grant.task_id:
                raise Problem(ErrorCode.TASK_NOT_FOUND, f"task {shortened(asked[1])} does not exist")
        return Access(key.name, frozenset({grant.scope}), key.limits, by="token")

    def _count(self, access: Access) -> None:
        if access.limits.requests_per_minute is not None:
            try:
                self._rate.take(access.source, access.limits.requests_per_minute)
            except LimitReached as error:
                raise limit_problem(error) from error

    def _has_link(self, request: Request, *, alone: bool) -> bool:
        """Return whether the request uses a valid signed URL.

        Raises:
            Problem: 403, the signature is invalid and the request has neither key nor token (`alone`).
        """
        if request.method not in ("GET", "HEAD"):
            return False
        try:
            path = path_of(request.scope).removeprefix("/")
            return self._links.verify(without_older_prefix(path), request.query_params)
        except InvalidSignature as error:
            if alone:
                raise Problem(ErrorCode.INVALID_SIGNATURE, str(error)) from None
            return False


def _access_by_session(request: Request, session: GivenSession) -> Access:
    """Return a signed-in browser's access: its key's, as it is now."""
    found = session.find()
    if found is None:
        challenge = {"WWW-Authenticate": _challenge(request)}
        raise Problem(ErrorCode.UNAUTHORIZED, "session has ended; sign in again", headers=challenge)
    return Access.of_key(found[1], "session")


def _without_referrer(send: Send) -> Send:
    """Return a `send` that adds `Referrer-Policy: no-referrer`, as the URL contains a credential."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"referrer-policy", b"no-referrer")]
        await send(message)

    return answer


def _key_in(request: Request) -> bytes | None:
    """Return the key as the bytes sent, None without one. Header values have no defined encoding."""
    if key := request.headers.get("x-api-key"):
        return key.encode("latin-1")
    if surface_of(request.scope) is Surface.OPENAI and (key := request.headers.get("api-key")):
        return key.encode("latin-1")  # as clients of OpenAI's API on Azure send it
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).partition(b":")[2]
        except ValueError:  # not base64, or not even ASCII
            return None
    return None


BEARER = 'Bearer realm="Fooocus API"'


def _challenge(request: Request) -> str:
    """Return the `WWW-Authenticate` challenge. Only Basic makes a browser that opens a page ask for a password."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return 'Basic realm="Fooocus API"' if wants_page else BEARER
