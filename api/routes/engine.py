"""`/v1/engine/control` and `/v1/info`: the worker and what this process is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, Field

from ...tasks.engine import EngineUnavailable
from ...tasks.keys import Scope
from ..access import access_of, needs
from ..bodies import JsonRoute
from ..context import Context
from ..errors import FieldError, InvalidFields, responses

Action = Literal["stop", "skip"]


class ControlRequest(BaseModel):
    """What to do with the running task."""

    action: Action | None = Field(default=None, description="`stop` ends it, `skip` goes on with its next image.")


class ControlResponse(BaseModel):
    """What was done."""

    message: str
    task_id: str | None = Field(default=None, description="The task it was done to, if one was running.")


class InfoResponse(BaseModel):
    """This process: versions, features, and what of the host is patched."""

    name: str
    version: str
    fooocus_version: str
    python_version: str
    gradio_version: str
    supported: bool
    problem: str | None = Field(description="Why no task can be taken, if so.")
    webui: bool = Field(description="Whether the WebUI is served.")
    worker_alive: bool
    arguments: int = Field(description="How many arguments this Fooocus's tasks have.")
    features: list[str]
    patched: dict[str, str] = Field(description="Host module → `patched`, `waiting`, or what went wrong.")
    tasks: dict[str, int] = Field(description="How many tasks wait and run.")


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["engine"], route_class=JsonRoute)

    def control(
        request: Request,
        action: Annotated[Action | None, Query(description="Here or in the body.")] = None,
        body: Annotated[ControlRequest | None, Body()] = None,
    ) -> ControlResponse:
        """Stop the running task, or skip its current image. Waiting tasks are left alone, and so is one that the
        key may not see."""
        how = action or (body.action if body else None)
        if how is None:
            raise InvalidFields([FieldError(field="action", message="is missing", allowed=["stop", "skip"])])
        if context.service is None:
            raise EngineUnavailable(context.problem() or "Fooocus is not ready")
        task_id = context.service.interrupt_running(how, access_of(request).only)
        if task_id is None:
            return ControlResponse(message="No task is running.")
        done = "The running task is being stopped." if how == "stop" else "The current image is being skipped."
        return ControlResponse(message=done, task_id=task_id)

    options: dict[str, Any] = {"dependencies": [needs(Scope.CONTROL)], "responses": responses(401, 422, 503)}
    routes.post("/v1/engine/control/", summary="Stop or skip", **options)(control)
    routes.post("/v1/engine/control", include_in_schema=False, **options)(control)

    @routes.get("/v1/info", summary="Versions and features", responses=responses(401))
    def info() -> InfoResponse:
        """What runs here, and whether it can draw."""
        return InfoResponse(**context.info())

    return routes
