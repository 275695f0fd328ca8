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
from ..context import Context
from ..requests.json_body import JsonRoute
from ..responses.problems import Problem, responses
from ..security.authorization import access_of, require_scope, visible_task

DESCRIPTION = """A token is sent as the query parameter `token`, and opens what its key may read, by GET alone: so a page can
follow `/v1/events?token=…` with EventSource. It makes no further token, ends with its key and within an hour, and so do the
streams that it has opened. A key is needed to make one: have your own server ask for it and hand it to your page."""


class TokenRequest(BaseModel):
    """The access that a token grants."""

    model_config = {"extra": "forbid"}  # a misspelt `task_id` would make a token for everything

    scope: Literal["read", "read-all"] = Field(
        default="read", description="What it may read: the key's own tasks, or everyone's. No more than the key may."
    )
    task_id: str | None = Field(
        default=None, max_length=100, description="The one task that it opens; all that the scope allows, unless given."
    )
    lifetime: int = Field(default=MAX_LIFETIME_S, ge=1, le=MAX_LIFETIME_S, description="Seconds.")


class TokenResponse(BaseModel):
    """A token. It is returned once and not stored."""

    token: str = Field(description="For the query parameter `token`.")
    scope: Literal["read", "read-all"] = Field(description="What it may read, as the request asked for it.")
    task_id: str | None = Field(description="The one task that it opens, null for all that the scope allows.")
    expires_in: int = Field(description="Seconds.")
    expires_at: int = Field(description="Seconds since 1970.")


def router(context: Context) -> APIRouter:
    """Return the router."""
    routes = APIRouter(tags=["tokens"], route_class=JsonRoute, dependencies=[require_scope(Scope.READ)])

    @routes.post(
        "/v1/tokens",
        summary="Make a token for a browser",
        description=DESCRIPTION,
        response_model=TokenResponse,
        responses=responses(401, 404, 409, 422, 503),
    )
    async def make_token(
        request: Request, response: Response, body: Annotated[TokenRequest | None, Body()] = None
    ) -> Any:
        body = body or TokenRequest()
        access, scope = access_of(request), Scope(body.scope)
        access.require(scope)
        if context.security.login.needed and not context.security.keys.needed():
            detail = "a token needs an API key, and there is none; make one with `extension.py keys add NAME`"
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

    return routes
