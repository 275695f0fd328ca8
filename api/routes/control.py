"""What can be done to one task: stop, skip, move to the front, delete."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ...tasks.engine import EngineUnavailable
from ...tasks.keys import Scope
from ...tasks.service import TaskService, WrongStatus
from ...tasks.task import Task, TaskStatus
from ..access import needs, visible_task
from ..bodies import JsonRoute
from ..context import Context
from ..errors import responses
from ..schemas.record import RecordResponse
from .tasks import TaskId, full_record

STOPS_WITHIN = 1.0
"""Seconds that the response to a stop waits for the running task's end: most steps take less."""


def router(context: Context) -> APIRouter:
    """The routes. Each answers with the record as it is then."""
    routes = APIRouter(tags=["tasks"], route_class=JsonRoute, dependencies=[needs(Scope.CONTROL)])
    options: dict[str, Any] = {
        "response_model": RecordResponse,
        "response_model_exclude_unset": True,
        "responses": responses(401, 404, 409, 422, 503),
    }

    async def record(request: Request, task_id: str) -> Any:
        task = await context.tasks().get(task_id)
        return await asyncio.to_thread(full_record, context, request, task)

    @routes.post("/tasks/{task_id}/stop", summary="Stop a task", **options)
    async def stop(request: Request, task_id: TaskId) -> Any:
        """End a task that runs or waits, wherever it came from. One that has ended already answers 409.

        A running task ends at its next step. The response waits a moment for that; a record that still says `running`
        has `stopping: true`."""
        service = context.tasks()
        task = await visible_task(context, request, task_id)
        await stop_task(service, task.task_id)
        if task.started_at == -1:
            await service.wait(task.task_id)  # it was only taken out of the queue
        else:
            with suppress(EngineUnavailable), anyio.move_on_after(STOPS_WITHIN):
                await service.wait(task.task_id)
        stopped = await record(request, task.task_id)
        return stopped if TaskStatus(stopped["task_status"]).is_terminal else {**stopped, "stopping": True}

    @routes.post("/tasks/{task_id}/skip", summary="Skip a task's current image", **options)
    async def skip(request: Request, task_id: TaskId) -> Any:
        """Go on with the next image. A task that is not running answers 409."""
        task = await visible_task(context, request, task_id)
        skip_task(context.tasks(), task)
        return await record(request, task.task_id)

    @routes.post("/tasks/{task_id}/move-to-front", summary="Let a task be the next", **options)
    async def move_to_front(request: Request, task_id: TaskId) -> Any:
        """Put a pending task before all others, also after a restart. One that does not wait answers 409."""
        service = context.tasks()
        task = await visible_task(context, request, task_id)
        if not await service.move_to_front(task.task_id):
            raise WrongStatus(f"task {task.task_id} does not wait in the queue: it is {task.status.value}")
        return await record(request, task.task_id)

    @routes.delete(
        "/tasks/{task_id}",
        summary="Delete or cancel a task",
        response_model=None,
        responses={
            **responses(401, 404, 409, 422, 503),
            200: {"model": RecordResponse, "description": "It was pending and is stopped now; its record stays."},
            204: {
                "description": "It had ended; its record and its images are deleted, an image that another program "
                "has open as soon as it can be."
            },
        },
    )
    async def delete(request: Request, task_id: TaskId) -> Response:
        """Delete a task that has ended, with its images and their entries in the day's log, or cancel one that waits. A
        running one is refused with 409."""
        service = context.tasks()
        before = await visible_task(context, request, task_id)
        task = await service.delete(before.task_id)
        if before.status.is_terminal:
            return Response(status_code=204)
        return JSONResponse(await asyncio.to_thread(full_record, context, request, task))

    return routes


async def stop_task(service: TaskService, task_id: str) -> None:
    """End a task, pending or running.

    Raises:
        WrongStatus: it has ended already.
    """
    if not await service.stop(task_id):
        raise WrongStatus(f"task {task_id} has ended: it is {(await service.get(task_id)).status.value}")


def skip_task(service: TaskService, task: Task) -> None:
    """Go on with the next image of a running task.

    Raises:
        WrongStatus: it is not running.
    """
    if not service.skip(task.task_id):
        raise WrongStatus(f"task {task.task_id} is not running: it is {task.status.value}")
