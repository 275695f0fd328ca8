"""`/tasks/{task_id}/webhooks`: state of a task's webhook, its attempts and its resending; also builds the webhook's body."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ....asgi.error_codes import ErrorCode
from ....auth.keys import Scope
from ....tasks.build import TaskServices
from ....tasks.model.task import Task
from ....tasks.service import WrongStatus
from ....tasks.webhooks.delivery import WebhookState
from ...context import ApiContext, Context
from ...images.output_files import read_output
from ...requests.json_body import JsonRoute
from ...responses.problems import Problem, responses
from ...responses.public_urls import PublicUrls
from ...schemas.task import RecordResponse, record_of
from ...security.authorization import require_scope, visible_task
from .tasks import TaskId


class WebhookAttempt(BaseModel):
    """One delivery attempt."""

    at_mills: int = Field(description="The time of the attempt, in milliseconds since 1970.")
    duration_mills: int = Field(description="Milliseconds until the response or the failure.")
    status: int | None = Field(description="The HTTP status of the response; null without a response.")
    error: str | None = Field(description="The error, if the attempt failed for another reason than the status.")


class WebhookResponse(BaseModel):
    """Delivery state of a task's webhook."""

    task_id: str = Field(description="32 hexadecimal digits.")
    webhook_url: str = Field(
        description="The URL of the receiver; only its host if it comes from the launch flag. Empty without a webhook."
    )
    webhook_status: str = Field(
        description="`none`: no webhook; `waiting`: the task has not ended; `pending`: delivery in progress; `delivered`; "
        "`failed`: the server gave up after 24 hours or on HTTP 410."
    )
    next_attempt_mills: int = Field(
        description="The time of the next attempt, in milliseconds since 1970; -1 if there is none."
    )
    attempts: list[WebhookAttempt] = Field(description="The newest 100 attempts, the oldest first.")


router = APIRouter(tags=["webhooks"], route_class=JsonRoute)


@router.get(
    "/tasks/{task_id}/webhooks",
    summary="Get the deliveries of a task's webhook",
    dependencies=[require_scope(Scope.READ)],
    response_model=WebhookResponse,
    responses=responses(401, 404, 503),
)
async def get_webhooks(context: ApiContext, request: Request, task_id: TaskId) -> Any:
    """Return the webhook's receiver, its delivery state and its newest attempts."""
    return await _state_of(context.services, await visible_task(context, request, task_id))


@router.post(
    "/tasks/{task_id}/webhooks/resend",
    summary="Resend a task's webhook",
    dependencies=[require_scope(Scope.CONTROL)],
    response_model=WebhookResponse,
    responses=responses(401, 404, 409, 422, 429, 503),
)
async def resend(context: ApiContext, request: Request, task_id: TaskId) -> Any:
    """Deliver the webhook again, whether it was delivered or not: at once, with retries for a day. Answers 409 if the task
    has not ended or has no webhook."""
    services = context.services
    task = await visible_task(context, request, task_id)
    if not task.status.is_terminal:
        raise WrongStatus(f"task {task.task_id} has not ended: it is {task.status.value}")
    if not await services.webhooks.resend(task):
        detail = f"task {task.task_id} has no webhook; set webhook_url, or start Fooocus with --webhook-url"
        raise Problem(ErrorCode.NO_WEBHOOK, detail)
    return await _state_of(services, task)


def webhook_body(context: Context, own_url: str, task: Task, base_url: str) -> bytes:
    """Return the body that a receiver gets: the record as `GET /tasks/{task_id}` returns it. Off the event loop.

    Its URLs begin with `--base-url`, else with `base_url`, under which the task's client reached this server and which is
    empty for the owner's receiver, else with `own_url`.
    """
    record = record_of(
        task, PublicUrls(None, context.base_url or base_url or own_url, context.security.links), read_output(context)
    )
    return RecordResponse.model_validate(record).model_dump_json(exclude_unset=True).encode()


async def _state_of(services: TaskServices, task: Task) -> WebhookResponse:
    return _response(task, await services.webhooks.state(task))


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
