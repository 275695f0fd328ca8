"""What can be done to one task: stop, skip, move to the front, delete."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from ...tasks.keys import Scope
from ...tasks.service import WrongStatus
from ..access import needs, visible_task
from ..context import Context
from ..errors import responses
from ..schemas.record import RecordResponse
from .tasks import full_record

TaskId = Annotated[str, Path(description="As the generate call gave it.")]


def router(context: Context) -> APIRouter:
    """The routes. Each answers with the record as it is then; a stop takes effect at the task's next step."""
    routes = APIRouter(tags=["tasks"], dependencies=[needs(Scope.CONTROL)])
    options: dict[str, Any] = {
        "response_model": RecordResponse,
        "response_model_exclude_unset": True,
        "responses": responses(401, 404, 409, 503),
    }

    async def record(request: Request, task_id: str) -> Any:
        task = await context.tasks().get(task_id)
        return await asyncio.to_thread(full_record, context, request, task)

    @routes.post("/tasks/{task_id}/stop", summary="Stop a task", **options)
    async def stop(request: Request, task_id: TaskId) -> Any:
        """End a task that runs or waits, wherever it came from. One that has ended already answers 409."""
        service = context.tasks()
        task = await visible_task(context, request, task_id)
        if not await service.stop(task_id):
            raise WrongStatus(f"task {task_id} has ended: it is {(await service.get(task_id)).status.value}")
        if task.started_at == -1:
            await service.wait(task_id)  # it was only taken out of the queue
        return await record(request, task_id)

    @routes.post("/tasks/{task_id}/skip", summary="Skip a task's current image", **options)
    async def skip(request: Request, task_id: TaskId) -> Any:
        """Go on with the next image. A task that is not running answers 409."""
        service = context.tasks()
        task = await visible_task(context, request, task_id)
        if not service.skip(task_id):
            raise WrongStatus(f"task {task_id} is not running: it is {task.status.value}")
        return await record(request, task_id)

    @routes.post("/tasks/{task_id}/move-to-front", summary="Let a task be the next", **options)
    async def move_to_front(request: Request, task_id: TaskId) -> Any:
        """Put a pending task before all others, also after a restart. One that does not wait answers 409."""
        service = context.tasks()
        task = await visible_task(context, request, task_id)
        if not await service.move_to_front(task_id):
            raise WrongStatus(f"task {task_id} does not wait in the queue: it is {task.status.value}")
        return await record(request, task_id)

    @routes.delete(
        "/tasks/{task_id}",
        summary="Delete or cancel a task",
        response_model=None,
        responses={
            **responses(401, 404, 409, 503),
            200: {"model": RecordResponse, "description": "It was pending and is stopped now; its record stays."},
            204: {"description": "It had ended; its record and its images are deleted."},
        },
    )
    async def delete(request: Request, task_id: TaskId) -> Response:
        """Delete a task that has ended, with its images and their entries in the day's log, or cancel one that waits. A
        running one is refused with 409."""
        service = context.tasks()
        ended = (await visible_task(context, request, task_id)).status.is_terminal
        task = await service.delete(task_id)
        if ended:
            return Response(status_code=204)
        return JSONResponse(await asyncio.to_thread(full_record, context, request, task))

    return routes
