"""`unload-checkpoint` and `reload-checkpoint`: the memory of the models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from .....auth.keys import Scope
from ....context import ApiContext
from ....results.tool_results import tool_result
from ....security.authorization import require_scope
from ..routing import A1111Route, refusals

router = APIRouter(tags=["memory"], route_class=A1111Route)


@router.post(
    "/sdapi/v1/unload-checkpoint",
    summary="Free the models' memory",
    response_model=dict[str, Any],
    responses=refusals(500),
    dependencies=[require_scope(Scope.ADMIN)],
)
async def unload(context: ApiContext, request: Request) -> Any:
    """Free the models' memory, after the tasks queued before it. The next task loads what it needs."""
    await tool_result(context.tools.unload, request)
    return JSONResponse({})


@router.post(
    "/sdapi/v1/reload-checkpoint",
    summary="Do nothing",
    response_model=dict[str, Any],
    responses=refusals(),
    dependencies=[require_scope(Scope.GENERATE)],
)
def reload() -> Any:
    """Do nothing: the next task loads what it needs."""
    return JSONResponse({})
