"""`options`: the settings that a client reads and keeps, for each key its own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from ....auth.keys import Scope
from ...context import ApiContext
from ...security.authorization import access_of, require_scope
from .routing import A1111Route, refusals
from .settings import keep, shown

router = APIRouter(tags=["options"], route_class=A1111Route)
OPTIONS: dict[str, Any] = {
    "type": "object",
    "description": "`sd_model_checkpoint`, `sd_vae`, `CLIP_stop_at_last_layers`, `samples_format` (png, jpg, webp), and "
    "Fooocus's `fooocus_styles` and `fooocus_performance`. All others are accepted and ignored.",
}


@router.get(
    "/sdapi/v1/options",
    summary="The caller's settings",
    responses=refusals(),
    dependencies=[require_scope(Scope.GENERATE)],
)
async def get_options(context: ApiContext, request: Request) -> dict[str, Any]:
    """Return the settings that the caller's requests have: those that it has set, else Fooocus's own."""
    return await shown(context, access_of(request).source)


@router.post(
    "/sdapi/v1/options",
    summary="Set the caller's settings",
    response_model=None,
    responses=refusals(404),
    dependencies=[require_scope(Scope.GENERATE)],
)
async def set_options(
    context: ApiContext, request: Request, body: Annotated[dict[str, Any], Body(json_schema_extra=OPTIONS)]
) -> Any:
    """Keep settings for the caller's later requests, also after a restart. Those of other keys and of the WebUI stay."""
    await keep(context, access_of(request).source, body)
    return JSONResponse(None)
