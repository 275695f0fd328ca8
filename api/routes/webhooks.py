"""`/tasks/{task_id}/webhooks`: whom a task's end is told, what came of it, and telling it again. And what is told."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ...tasks.keys import Scope
from ...tasks.service import WrongStatus
from ...tasks.task import Task
from ...tasks.webhooks import WebhookState
from ..access import needs, visible_task
from ..bodies import JsonRoute
from ..context import Context
from ..errors import responses
from ..schemas.record import RecordResponse, record_of
from ..urls import PublicUrls
from .outputs import read_output
from .tasks import TaskId


class WebhookAttempt(BaseModel):
    """One try."""

    at_mills: int = Field(description="When it began, in milliseconds since 1970.")
    duration_mills: int = Field(description="Until the answer, or until there was none.")
    status: int | None = Field(description="The answer's HTTP status; null when there was none.")
    error: str | None = Field(description="What went wrong beside the status.")


class WebhookResponse(BaseModel):
    """How far the telling of a task's end is."""

    task_id: str = Field(description="32 hexadecimal digits.")
    webhook_url: str = Field(
        description="Where to; of the launch flag's address no more than the host. Empty for nowhere."
    )
    webhook_status: str = Field(
        description="none (nobody is to be told), waiting (for the task's end), pending (being tried), delivered, or failed: "
        "tried for a day, or the receiver answered 410."
    )
    next_attempt_mills: int = Field(description="When it is tried next, in milliseconds since 1970; -1 for never.")
    attempts: list[WebhookAttempt] = Field(description="All tries, the first one first.")


def router(context: Context) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["webhooks"], route_class=JsonRoute)

    async def state_of(task: Task) -> Any:
        return _response(task, await context.tasks().webhooks.state(task))

    @routes.get(
        "/tasks/{task_id}/webhooks",
        summary="Deliveries of a task's webhook",
        dependencies=[needs(Scope.READ)],
        response_model=WebhookResponse,
        responses=responses(401, 404, 503),
    )
    async def get_webhooks(request: Request, task_id: TaskId) -> Any:
        """Whom the task's end is told, how far that is, and every try so far."""
        return await state_of(await visible_task(context, request, task_id))

    @routes.post(
        "/tasks/{task_id}/webhooks/resend",
        summary="Send a task's webhook again",
        dependencies=[needs(Scope.CONTROL)],
        response_model=WebhookResponse,
        responses=responses(401, 404, 409, 422, 429, 503),
    )
    async def resend(request: Request, task_id: TaskId) -> Any:
        """Tell of the task's end again, delivered or not: at once, and then for a day. 409 when it has not ended, or nobody
        is to be told."""
        service = context.tasks()
        task = await visible_task(context, request, task_id)
        if not task.status.is_terminal:
            raise WrongStatus(f"task {task.task_id} has not ended: it is {task.status.value}")
        if not await service.webhooks.resend(task):
            raise WrongStatus(
                f"nobody is to be told of task {task.task_id}: it has no webhook_url, nor is there --webhook-url"
            )
        return await state_of(task)

    return routes


def webhook_body(context: Context, own_url: str, task: Task, base_url: str) -> bytes:
    """What a receiver is sent: the record as `GET /tasks/{task_id}` gives it. Off the event loop.

    Its URLs begin with `--base-url`, else with `base_url`, by which the task's client knows us, else with `own_url`.
    """
    record = record_of(
        task, PublicUrls(None, context.base_url or base_url or own_url, context.links), read_output(context)
    )
    return RecordResponse.model_validate(record).model_dump_json(exclude_unset=True).encode()


def _response(task: Task, state: WebhookState) -> WebhookResponse:
    return WebhookResponse(
        task_id=task.task_id,
        webhook_url=state.url,
        webhook_status=state.state,
        next_attempt_mills=state.due_at,
        attempts=[
            WebhookAttempt(
                at_mills=attempt.at,
                duration_mills=attempt.duration_ms,
                status=attempt.status,
                error=attempt.error,
            )
            for attempt in state.attempts
        ],
    )
