"""`/v1/engine/unload`: frees the models' memory."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ....tasks.ports.tools import UnloadResult
from ...context import ApiContext
from ...requests.json_body import JsonRoute
from ...responses.problems import responses
from ...results.tool_results import tool_result
from ...security.authorization import require_scope
from .nodes import UnloadNode, tools_at


class UnloadResponse(BaseModel):
    """The outcome of an unload."""

    message: str = Field(description="The outcome in words.")
    freed_mb: float | None = Field(
        default=None, description="MiB freed of the memory that the message names, if measured."
    )


router = APIRouter(tags=["tools"], route_class=JsonRoute)


async def unload(context: ApiContext, request: Request, node: UnloadNode = None) -> Any:
    """Free the models' memory, after the tasks queued before it. The next task loads what it needs."""
    freed = await tool_result((await tools_at(context, node)).unload, request)
    return JSONResponse(_unloaded(freed).model_dump(exclude_none=True))


options: dict[str, Any] = {
    "summary": "Free the models' memory",
    "response_model": UnloadResponse,
    "dependencies": [require_scope(Scope.ADMIN)],
    "responses": responses(401, 422, 429, 500, 503),
}
router.post("/v1/engine/unload", **options)(unload)
router.post("/v1/engine/unload/", include_in_schema=False, **options)(unload)


def _unloaded(done: UnloadResult) -> UnloadResponse:
    if done.freed is None:
        return UnloadResponse(message="The models are unloaded.")
    mib = round(done.freed / 2**20, 1)
    return UnloadResponse(message=f"The models are unloaded: {mib} MiB of {done.device} freed.", freed_mb=mib)
