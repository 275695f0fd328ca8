"""Actions on one task: stop, skip, move, tag, delete."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel, Field

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....tasks.build import TaskServices
from ....tasks.control.moves import NOT_IN_QUEUE, NotInOrder
from ....tasks.model.task import Task, TaskStatus
from ....tasks.queue.pending_queue import MAX_PREDICTED
from ....tasks.service import WrongStatus
from ...context import ApiContext, Context
from ...path_parameters import TASK
from ...requests.json_body import JsonRoute
from ...responses.problems import invalid_field, responses
from ...results.stops import stop_and_wait
from ...schemas.own_data import MAX_TAG_LENGTH, MAX_TAGS, Tag
from ...schemas.task import RecordResponse
from ...security.authorization import require_scope, visible_task
from .tasks import TaskId, full_record


class MoveRequest(BaseModel):
    """The new place of a task."""

    model_config = {"extra": "forbid"}

    before: str | None = Field(
        max_length=100,
        description="The id of the pending task that is to come after it; null for the end of the queue.",
    )


class TagsRequest(BaseModel):
    """The new tags of a task."""

    model_config = {"extra": "forbid"}

    tags: Annotated[list[Tag], AfterValidator(lambda tags: list(dict.fromkeys(tags)))] = Field(
        max_length=MAX_TAGS, description=f"At most {MAX_TAGS} labels of up to {MAX_TAG_LENGTH} characters."
    )


router = APIRouter(tags=["tasks"], route_class=JsonRoute, dependencies=[require_scope(Scope.CONTROL)])
RECORD: dict[str, Any] = {
    "response_model": RecordResponse,
    "response_model_exclude_unset": True,
    "responses": responses(401, 404, 409, 422, 503),
}


@router.post("/tasks/{task_id}/stop", summary="Stop a task", **RECORD)
async def stop(context: ApiContext, request: Request, task_id: TaskId) -> Any:
    """Stop a pending or running task of any source. A task that has already ended answers 409.

    A running task ends at its next step. The response waits briefly for that; a record that still says `running` has
    `stopping: true`.
    """
    services = context.services
    task = await visible_task(context, request, task_id)
    await stop_and_wait(services, task)
    stopped = await _record(context, request, task.task_id)
    return stopped if TaskStatus(stopped["task_status"]).is_terminal else {**stopped, "stopping": True}


@router.post("/tasks/{task_id}/skip", summary="Skip a task's current image", **RECORD)
async def skip(context: ApiContext, request: Request, task_id: TaskId) -> Any:
    """Skip to the next image. A task that is not running answers 409."""
    task = await visible_task(context, request, task_id)
    await asyncio.to_thread(skip_task, context.services, task)
    return await _record(context, request, task.task_id)


@router.post("/tasks/{task_id}/move-to-front", summary="Move a task to the front", **RECORD)
async def move_to_front(context: ApiContext, request: Request, task_id: TaskId) -> Any:
    """Move a pending task to the front of the queue; a restart keeps the order. A task that does not wait in the queue answers
    409."""
    services = context.services
    task = await visible_task(context, request, task_id)
    if not await services.control.moves.to_front([task.task_id]):
        raise await _not_in_queue(services, task)
    return await _record(context, request, task.task_id)


@router.post("/tasks/{task_id}/move", summary="Move a task in the queue", **RECORD)
async def move(context: ApiContext, request: Request, task_id: TaskId, body: MoveRequest) -> Any:
    """Move a pending task to the place before another one, or to the end; a restart keeps the order. Tasks up to that place
    keep their present order, so that later ones with a higher priority come behind them. A task that does not wait in the
    queue answers 409."""
    services, moves = context.services, context.services.control.moves
    task = await visible_task(context, request, task_id)
    if body.before is None:
        moved, other = await moves.to_end(task.task_id), None
    else:
        other = await visible_task(context, request, body.before)
        if other.task_id == task.task_id:
            raise invalid_field("before", FieldErrorCode.CONFLICT, "is the task itself; name another one")
        try:
            moved = await moves.before(task.task_id, other.task_id)
        except NotInOrder as error:
            message = f"is not among the next {MAX_PREDICTED} tasks; name one of those, or null for the end"
            raise invalid_field("before", FieldErrorCode.OUT_OF_RANGE, message) from error
    if not moved:
        raise await _not_in_queue(services, task, *([other] if other else []))
    return await _record(context, request, task.task_id)


async def _not_in_queue(services: TaskServices, *tasks: Task) -> WrongStatus:
    """Return the exception for tasks of which one can't be moved, with the present status of one that has started."""
    now = [await services.tasks.get(task.task_id) for task in tasks]
    names = " or ".join(
        task.task_id if task.status is TaskStatus.PENDING else f"{task.task_id}, which is {task.status.value},"
        for task in now
    )
    return WrongStatus(f"task {names} {NOT_IN_QUEUE}")


@router.put("/tasks/{task_id}/tags", summary="Replace a task's tags", **RECORD)
async def set_tags(context: ApiContext, request: Request, task_id: TaskId, body: TagsRequest) -> Any:
    """Replace the tags of a task, also of one that has ended. An empty list removes them."""
    task = await visible_task(context, request, task_id)
    await context.services.control.tags.change(task.task_id, lambda _: body.tags)
    return await _record(context, request, task.task_id)


@router.delete(
    TASK,
    summary="Delete or cancel a task",
    response_model=None,
    responses={
        **responses(401, 404, 409, 422, 503),
        200: {
            "model": RecordResponse,
            "description": "The task was pending and is stopped now; its record remains.",
        },
        204: {
            "description": "The task had ended; its record and its images are deleted. An image that another program "
            "has open is deleted as soon as possible."
        },
    },
)
async def delete(context: ApiContext, request: Request, task_id: TaskId) -> Response:
    """Delete an ended task with its images and their entries in the day's log, or cancel a pending one. A running task
    answers 409."""
    services = context.services
    before = await visible_task(context, request, task_id)
    cancelled = await services.tasks.delete(before.task_id)
    if cancelled is None:
        return Response(status_code=204)
    return JSONResponse(await asyncio.to_thread(full_record, context, request, cancelled))


def skip_task(services: TaskServices, task: Task) -> None:
    """Skip to the next image of a running task.

    Raises:
        WrongStatus: the task is not running.
    """
    if not services.tasks.skip(task.task_id):
        raise WrongStatus(f"task {task.task_id} is not running: it is {task.status.value}")


async def _record(context: Context, request: Request, task_id: str) -> dict[str, Any]:
    task = await context.services.tasks.get(task_id)
    return await asyncio.to_thread(full_record, context, request, task)
