"""`/v1/session`: what this client may do, and the sessions of browsers, which a key opens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode
from ....auth.keys import BrokenKeys, Scope
from ....tasks.storage.session_store import Session
from ...context import ApiContext, Context
from ...requests.json_body import JsonRoute
from ...responses.problems import Problem, header, keys_problem, responses
from ...security.authentication import BEARER
from ...security.authorization import FULL_ACCESS, NO_ACCESS, Access, access_of
from ...security.session_cookies import (
    delete_cookie,
    given_session,
    identifier_in,
    is_over_https,
    set_cookie,
)
from ...security.wrong_keys import WRONG_KEYS
from .key_fields import Limits, limits_of, scopes_of

MAX_KEY_LENGTH = 1000
NOT_STORED = {"Cache-Control": "no-store"}
SETS_COOKIE = {"Set-Cookie": header("The cookie of the session: HttpOnly, SameSite=Strict, for 30 days.")}


class SignIn(BaseModel):
    """The key that opens a session."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    key: str = Field(min_length=1, max_length=MAX_KEY_LENGTH, description="An API key.")


class SessionState(BaseModel):
    """The rights of a client, and how it has shown them."""

    needs: Literal["key", "login"] | None = Field(
        description="`key`: sign in with an API key; `login`: log in on the WebUI's page; null: nothing is missing."
    )
    by: Literal["key", "session", "token", "login"] | None = Field(
        description="The right of this request: a key in a header, the cookie of a session, a token, the WebUI's login; null: "
        "none is needed, or none was given."
    )
    name: str | None = Field(description="The name of the key, null without one.")
    source: str | None = Field(description="The `source` of the client's own tasks, null while something is missing.")
    scopes: list[Scope] = Field(description="The client's scopes; all if no key is needed.")
    limits: Limits = Field(description="The limits of the key.")
    expires_at: int | None = Field(
        description="The time at which the session ends unless this path is requested before, in seconds since 1970; null "
        "without a session."
    )
    webui: bool = Field(description="True if Fooocus's WebUI is at the root of this address.")
    cluster: bool = Field(description="True if this process shares its queue with others: `/v1/nodes` names them.")


class SessionRoute(JsonRoute):
    """A route for clients without a key, which may send only a few bytes."""

    max_body_bytes = 4096


router = APIRouter(tags=["session"], route_class=SessionRoute)


@router.get(
    "/v1/session",
    summary="Get the rights of this client",
    response_model=SessionState,
    responses={200: {"headers": SETS_COOKIE}, **responses(429, 503)},
)
async def get_session(context: ApiContext, request: Request, response: Response) -> Any:
    """Return the rights of this client. It needs none: without any, `needs` is what is missing. In a browser that is signed in,
    the session and its cookie last 30 days from now; the cookie of one that has ended is deleted."""
    response.headers.update(NOT_STORED)
    access, given, session = access_of(request), given_session(request), None
    found = given.find() if given is not None and access.by in ("session", None) else None
    if given is not None and found is not None:
        session = await context.security.sessions.renew(found[0])
        set_cookie(request, response, given.identifier, is_secure=session.is_secure)
    elif given is not None and context.security.keys.needed():
        delete_cookie(request, response)
    return state_of(context, request, access, session)


@router.post(
    "/v1/session",
    summary="Sign a browser in",
    response_model=SessionState,
    responses={200: {"headers": SETS_COOKIE}, **responses(401, 403, 409, 413, 422, 429, 503)},
)
async def open_session(
    context: ApiContext, request: Request, response: Response, body: Annotated[SignIn, Body()]
) -> Any:
    """Open a session with a key and set its cookie, which a page's scripts can't read. It grants what the key grants, to pages of
    this server alone, until it is closed, the key is revoked, or 30 days pass in which nothing asks for it. A key has at most 50;
    a further one ends the oldest. Where no key is needed, none is opened."""
    response.headers.update(NOT_STORED)
    keys, login = context.security.keys, context.security.login
    if not keys.needed():
        if login.needed and not login.is_in(request.cookies):
            raise Problem(ErrorCode.NO_API_KEY, "a session requires an API key, and none exists; log in on the WebUI")
        return state_of(context, request, FULL_ACCESS, None)
    _ = context.services
    try:
        key = WRONG_KEYS.checked(keys, request, body.key.encode("utf-8", "surrogatepass"))
    except BrokenKeys as error:
        raise keys_problem(error) from error
    if key is None:
        challenge = {"WWW-Authenticate": BEARER}  # no challenge at which a browser asks for a password
        raise Problem(ErrorCode.UNAUTHORIZED, "API key is invalid; check it for missing characters", headers=challenge)
    identifier, session = await context.security.sessions.open(
        key, is_secure=is_over_https(request), instead_of=identifier_in(request.scope)
    )
    set_cookie(request, response, identifier, is_secure=session.is_secure)
    return state_of(context, request, Access.of_key(key, "session"), session)


@router.delete("/v1/session", status_code=204, summary="Sign a browser out", responses=responses(403, 422, 503))
async def close_session(context: ApiContext, request: Request) -> Response:
    """End the session of this browser and delete its cookie, also if it has ended before. Its open streams end as well."""
    response = Response(status_code=204, headers=NOT_STORED)
    identifier = identifier_in(request.scope)
    if identifier is not None:
        await context.security.sessions.close(identifier)
    delete_cookie(request, response)
    return response


def state_of(context: Context, request: Request, access: Access, session: Session | None) -> SessionState:
    """Return the rights of a client with this access, by this session if it has one."""
    needs_key = context.security.keys.needed()
    by: Any = "login" if access is FULL_ACCESS and context.security.login.needed else access.by
    _, port = request.scope.get("server") or ("", None)
    here = context.api_port is None or port != context.api_port
    return SessionState(
        needs=None if access is not NO_ACCESS else "key" if needs_key else "login",
        by=by,
        name=access.key.name if access.key is not None else access.source if by == "token" else None,
        source=access.source or None,
        scopes=scopes_of(access.scopes),
        limits=limits_of(access.limits),
        expires_at=session.expires_at // 1000 if session is not None else None,
        webui=here and bool(context.host.info()["webui"]),
        cluster=context.task_services is not None and context.task_services.nodes.is_cluster,
    )
