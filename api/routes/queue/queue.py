"""`/v1/queue`, and `/v1/engine/pause` and `/v1/engine/resume`."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ...context import ApiContext
from ...requests.json_body import JsonRoute
from ...responses.problems import responses
from ...responses.rendering import rendered
from ...security.authorization import access_of, require_scope
from .schemas import PAUSED, QueueResponse, queue_cards


class PauseResponse(BaseModel):
    """The state of the queue after a request."""

    paused: bool = Field(description=PAUSED)


router = APIRouter(tags=["queue"], route_class=JsonRoute)


@router.get(
    "/v1/queue",
    summary="The queue",
    response_model=QueueResponse,
    response_model_exclude_unset=True,
    dependencies=[require_scope(Scope.READ)],
    responses=responses(401, 503),
)
async def get_queue(context: ApiContext, request: Request) -> Any:
    """Return the running task, or those of all nodes, and the next 200 waiting ones, in the order in which they will run, each
    with its position, the time until its end, and the reason for its place.

    A key without `read-all` sees its own tasks, and the numbers of the others.
    """
    services, only = context.services, access_of(request).only

    def queue() -> Response:
        view = services.overview.views.view(only)
        for task in view.running:
            services.tasks.follow(task)
        return rendered(QueueResponse, queue_cards(view, context.urls(request)))

    return await asyncio.to_thread(queue)


ADMIN: dict[str, Any] = {
    "dependencies": [require_scope(Scope.ADMIN)],
    "responses": responses(401, 403, 422, 503),
}


@router.post("/v1/engine/pause", summary="Pause the queue", **ADMIN)
async def pause(context: ApiContext) -> PauseResponse:
    """Start no more tasks of the API, also after a restart. The running task ends as usual. Clicks in the WebUI run, and so do
    describing, masking and unloading. Requests are accepted, and their tasks wait."""
    await context.services.control.pause.set(True)
    return PauseResponse(paused=True)


@router.post("/v1/engine/resume", summary="Resume the queue", **ADMIN)
async def resume(context: ApiContext) -> PauseResponse:
    """Start the tasks of the API again."""
    await context.services.control.pause.set(False)
    return PauseResponse(paused=False)
