"""`GET /tasks/{task_id}`: the record of a task."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from ...tasks.engine import EngineUnavailable
from ...tasks.task import TaskStatus
from ..context import Context
from ..errors import responses
from ..schemas.record import RecordResponse, record_of
from ..urls import PublicUrls
from .outputs import read_output


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["tasks"])

    @routes.get(
        "/tasks/{task_id}",
        summary="One task",
        response_model=RecordResponse,
        response_model_exclude_unset=True,
        responses=responses(401, 404, 503),
    )
    async def get_task(
        request: Request, task_id: Annotated[str, Path(description="As the generate call gave it.")]
    ) -> Any:
        """The record as it is now. While the task runs, `preview` is the newest picture of it."""
        service = context.service
        if service is None:
            raise EngineUnavailable(context.problem() or "Fooocus is not ready")
        task = await service.get(task_id)
        preview = service.preview(task_id) if task.status is TaskStatus.RUNNING else None
        return await asyncio.to_thread(
            record_of, task, PublicUrls(request, context.base_url), read_output(context), preview
        )

    return routes
