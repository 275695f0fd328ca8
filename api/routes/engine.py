"""`/v1/engine/control` and `/v1/info`: stop or skip tasks; versions and features of this process."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ...asgi.error_codes import FieldErrorCode
from ...auth.keys import Scope
from ..context import ApiContext, Context
from ..info import info_of
from ..requests.json_body import JsonRoute
from ..requests.parameter_names import unknown_name, unknown_names
from ..responses.problems import InvalidFields, invalid_field, responses
from ..results.stops import stop_task
from ..security.authorization import access_of, require_scope, visible_task
from .tasks.actions import skip_task

T = TypeVar("T")
Action = Literal["stop", "skip"]
DONE: dict[Action, str] = {
    "stop": "The running task is being stopped.",
    "skip": "The current image is being skipped.",
}
REMOVED = "The task was removed from the queue."


class ControlRequest(BaseModel):
    """An action on a task."""

    model_config = ConfigDict(extra="allow")

    action: Action | None = Field(default=None, description="`stop` ends the task, `skip` skips to its next image.")
    task_id: str | None = Field(default=None, description="The task to act on; the running one by default.")


class ControlResponse(BaseModel):
    """The outcome of an action."""

    message: str = Field(description="The outcome in words.")
    task_id: str | None = Field(default=None, description="The task that the action applied to, if any.")


class InfoResponse(BaseModel):
    """Versions, features and patched host modules of this process."""

    name: str = Field(description="The name of this extension.")
    version: str = Field(description="The version of this extension.")
    fooocus_version: str = Field(description="The version of Fooocus, as it reports it.")
    python_version: str = Field(description="The version of the Python that runs Fooocus.")
    gradio_version: str = Field(description="The version of the WebUI's Gradio.")
    supported: bool = Field(description="True if the API can accept tasks on this Fooocus.")
    problem: str | None = Field(description="The reason if no task can be accepted.")
    webui: bool = Field(description="True if the WebUI is served.")
    worker_alive: bool = Field(description="True if Fooocus's worker thread is running.")
    arguments: int = Field(description="The number of arguments of this Fooocus's tasks.")
    features: list[str] = Field(description="The features of this API on this Fooocus.")
    patched: dict[str, str] = Field(description="Module of Fooocus → `patched`, `waiting`, or the problem.")
    paused: bool = Field(description="True while no task of the API is started, after `/v1/engine/pause`.")
    tasks: dict[str, int] = Field(description="The numbers of pending and running tasks.")


router = APIRouter(tags=["engine"], route_class=JsonRoute)


async def control(
    context: ApiContext,
    request: Request,
    action: Annotated[Action | None, Query(description="The action; may also be in the body.")] = None,
    task_id: Annotated[
        str | None, Query(description="The task to act on; may also be in the body. The running one by default.")
    ] = None,
    body: Annotated[ControlRequest | None, Body()] = None,
) -> ControlResponse:
    """Stop the running task, or skip its current image. Pending tasks, and a running task that the key may not see, are not
    affected. With a `task_id`, stop that task, pending or running, or skip its current image instead."""
    body = body or ControlRequest()
    _refuse_unknown_members(body)
    how: Action | None = _one_of("action", action, body.action)
    if how is None:
        raise invalid_field("action", FieldErrorCode.REQUIRED, "is required", ["stop", "skip"])
    meant = _one_of("task_id", task_id, body.task_id)
    if meant is not None:
        return await _act_on(context, request, meant, how)
    running = await asyncio.to_thread(context.services.tasks.interrupt_running, how, access_of(request).only)
    return ControlResponse(message=DONE[how] if running else "No task is running.", task_id=running)


options: dict[str, Any] = {
    "dependencies": [require_scope(Scope.CONTROL)],
    "responses": responses(401, 404, 409, 422, 503),
}
router.post("/v1/engine/control/", summary="Stop or skip a task", **options)(control)
router.post("/v1/engine/control", include_in_schema=False, **options)(control)


@router.get("/v1/info", summary="Versions and features", responses=responses(401))
def info(context: ApiContext) -> InfoResponse:
    """Return the versions and features of this process, and whether it can generate images."""
    return InfoResponse(**info_of(context.host, context.task_services))


async def _act_on(context: Context, request: Request, task_id: str, how: Action) -> ControlResponse:
    """Stop or skip one task.

    Raises:
        UnknownTask: no task has that id, or the key may not see it.
        WrongStatus: the task has ended, or it is to be skipped and is not running.
    """
    services = context.services
    task = await visible_task(context, request, task_id)
    if how == "stop":
        await stop_task(services, task.task_id)
        waited = task.started_at == -1
        return ControlResponse(message=REMOVED if waited else DONE[how], task_id=task.task_id)
    await asyncio.to_thread(skip_task, services, task)
    return ControlResponse(message=DONE[how], task_id=task.task_id)


def _refuse_unknown_members(body: ControlRequest) -> None:
    known = ControlRequest.model_fields
    if unknown := unknown_names(body.model_extra or {}, known):
        raise InvalidFields(unknown_name(name, known, "member") for name in unknown)


def _one_of(field: str, in_query: T | None, in_body: T | None) -> T | None:
    """Return the value from the query or the body.

    Raises:
        InvalidFields: the value is empty, or query and body differ.
    """
    if in_query is not None and in_body is not None and in_query != in_body:
        raise invalid_field(field, FieldErrorCode.CONFLICT, "differs between query and body; send it once")
    given = in_body if in_query is None else in_query
    if isinstance(given, str) and not given.strip():
        raise invalid_field(field, FieldErrorCode.REQUIRED, "is empty; give a value, or omit it")
    return given
