"""`POST /v1/tokens`: short-lived, read-only tokens for browser pages, which must not hold a key."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from ...asgi.error_codes import ErrorCode
from ...auth.keys import Scope
from ...auth.tokens import MAX_LIFETIME_S, Grant
from ...tasks.service import UnknownTask
from ..context import ApiContext
from ..requests.json_body import JsonRoute
from ..responses.problems import Problem, responses
from ..security.authorization import access_of, require_scope, visible_task

DESCRIPTION = """A token grants read access with the rights of its key, only for GET. A page sends it as the query parameter
`token`, for example to follow `/v1/events?token=…` with EventSource. A token can't create another token. It expires within an
hour, or when its key is revoked, and then the streams opened with it end. Creating a token requires a key: let your own server
request it and pass it to your page."""


class TokenRequest(BaseModel):
    """The access that a token grants."""

    model_config = {"extra": "forbid"}  # a misspelt `task_id` would make a token for everything

    scope: Literal["read", "read-all"] = Field(
        default="read", description="The access: the key's own tasks, or all tasks. The key must have this scope."
    )
    task_id: str | None = Field(
        default=None,
        max_length=100,
        description="The only task that the token grants access to; by default all that the scope allows.",
    )
    lifetime: int = Field(
        default=MAX_LIFETIME_S, ge=1, le=MAX_LIFETIME_S, description="Seconds until the token expires."
    )


class TokenResponse(BaseModel):
    """A token. It is returned once and not stored."""

    token: str = Field(description="The token, for the query parameter `token`.")
    scope: Literal["read", "read-all"] = Field(description="The granted scope.")
    task_id: str | None = Field(
        description="The only task that the token grants access to, null for all that the scope allows."
    )
    expires_in: int = Field(description="Seconds until the token expires.")
    expires_at: int = Field(description="The time of expiry, in seconds since 1970.")


router = APIRouter(tags=["tokens"], route_class=JsonRoute, dependencies=[require_scope(Scope.READ)])


@router.post(
    "/v1/tokens",
    summary="Create a token for a browser",
    description=DESCRIPTION,
    response_model=TokenResponse,
    responses=responses(401, 404, 409, 422, 503),
)
async def make_token(
    context: ApiContext, request: Request, response: Response, body: Annotated[TokenRequest | None, Body()] = None
) -> Any:
    """Create a token with the rights of the request's key, or fewer."""
    body = body or TokenRequest()
    access, scope = access_of(request), Scope(body.scope)
    access.require(scope)
    if context.security.login.needed and not context.security.keys.needed():
        detail = "a token requires an API key, and none exists; create one with `extension.py keys add NAME`"
        raise Problem(ErrorCode.NO_API_KEY, detail)
    task_id = ""
    if body.task_id is not None:
        task = await visible_task(context, request, body.task_id)
        if scope is not Scope.READ_ALL and task.source != access.source:
            raise UnknownTask(body.task_id)  # this scope may not see it
        task_id = task.task_id
    grant = Grant(access.source, scope, task_id, int(time.time()) + body.lifetime)
    response.headers["Cache-Control"] = "no-store"
    return TokenResponse(
        token=context.security.tokens.token(grant, access.key),
        scope=body.scope,
        task_id=task_id or None,
        expires_in=body.lifetime,
        expires_at=grant.expires,
    )
