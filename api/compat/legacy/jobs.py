"""Jobs in Fooocus-API's form: one, their numbers, their lists, and the stop of one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....tasks.history.queries import Filter, Order
from ....tasks.model.task import Task
from ....tasks.service import UnknownTask, WrongStatus
from ...context import ApiContext, Context
from ...requests.json_body import JsonRoute
from ...requests.parameter_names import check_given_once, unknown_name, unknown_names
from ...responses.problems import InvalidFields, invalid_field
from ...security.authorization import access_of, require_scope, visible_task
from .answers import UNKNOWN_JOB, LegacyJob, job_answer, no_job
from .documentation import errors
from .requests.kinds import Kind

MAX_ENTRIES = 1000
"""Entries of each list in a history, the newest ones."""
MAX_PAGE = 2**31 - 1
HISTORY_PARAMETERS = ("job_id", "page", "page_size", "delete")

JobId = Annotated[str, Query(description="The job_id; a task_id of any origin.")]


class JobQueue(BaseModel):
    """The numbers of jobs."""

    running_size: int = Field(description="The number of running and waiting jobs.")
    finished_size: int = Field(description="The number of jobs that have ended.")
    last_job_id: str | None = Field(description="The newest job.")


class JobEntry(BaseModel):
    """A job in a list. Times are milliseconds since 1970, 0 while unknown."""

    job_id: str = Field(description="The task_id.")
    in_queue_mills: int = Field(description="The time of acceptance.")
    start_mills: int = Field(description="The time at which the worker started it.")
    finish_mills: int = Field(description="The time of its end.")
    is_finished: bool = Field(description="True if it has ended.")


class JobHistory(BaseModel):
    """All jobs."""

    queue: list[JobEntry] = Field(description="Running and waiting jobs, in the order in which they run.")
    history: list[JobEntry] = Field(description="Jobs that have ended, the oldest first.")


class Message(BaseModel):
    """The outcome of a deletion."""

    message: str = Field(description="Deleted, or Not found.")


class StopRequest(BaseModel):
    """A job to stop."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})  # refused by the route

    job_id: str | None = Field(default=None, description="The job to stop; the running one by default.")


class StopResponse(BaseModel):
    """The outcome of a stop."""

    msg: str = Field(description="Always success.")


router = APIRouter(tags=["jobs"], route_class=JsonRoute)
READ: dict[str, Any] = {"dependencies": [require_scope(Scope.READ)]}


@router.get(
    "/v1/generation/query-job",
    summary="Get a job",
    response_model=LegacyJob,
    responses={**errors(403, 422, 429, 503), 404: {"model": LegacyJob, "description": "No such job."}},
    **READ,
)
async def query_job(
    context: ApiContext,
    request: Request,
    job_id: JobId,
    require_step_preview: Annotated[bool, Query(description="Return the newest preview of a running job.")] = False,
) -> Response:
    """Return a job with its progress, and its images once it has ended."""
    try:
        task = await visible_task(context, request, job_id)
    except UnknownTask:
        return JSONResponse(no_job(Kind.NOT_FOUND, UNKNOWN_JOB), 404)
    urls = context.urls(request)
    return await run_in_threadpool(job_answer, task, context, urls, preview=require_step_preview)


@router.get("/v1/generation/job-queue", summary="Count the jobs", responses=errors(403, 429, 503), **READ)
async def job_queue(context: ApiContext, request: Request) -> JobQueue:
    """Return the numbers of visible jobs, and the id of the newest one."""
    services, criteria = context.services, _visible(request)
    running = services.history.running(criteria)
    pending = await asyncio.to_thread(services.active.pending, criteria.sources)
    ended = await services.history.ended(criteria, 0, 1)
    newest = [*(live.task for live in pending[-1:]), *running.tasks, *ended.tasks]
    last = max(newest, key=lambda task: task.queued_at, default=None)
    return JobQueue(
        running_size=running.total + len(pending),
        finished_size=ended.total,
        last_job_id=last.task_id if last is not None else None,
    )


@router.get(
    "/v1/generation/job-history",
    summary="List or delete jobs",
    response_model=JobHistory | Message,
    responses=errors(403, 422, 429, 503),
    **READ,
)
async def job_history(
    context: ApiContext,
    request: Request,
    job_id: Annotated[str | None, Query(description="The only job to list, or the one to delete.")] = None,
    page: Annotated[int, Query(ge=0, le=MAX_PAGE, description="The page, from 0 for the newest; needs page_size.")] = 0,
    page_size: Annotated[
        int | None, Query(ge=1, description=f"Ended jobs in the list; {MAX_ENTRIES} by default and at most.")
    ] = None,
    delete: Annotated[
        bool, Query(description="Delete the job with its images. Needs job_id, and the scope `control`.")
    ] = False,
) -> Any:
    """List the visible jobs. With `delete=true` and a `job_id`, delete that one if it has ended."""
    if delete:
        access_of(request).require(Scope.CONTROL)
        _check_deletion(request)
        if job_id:
            return Message(message="Deleted" if await _delete(context, request, job_id) else "Not found")
    if job_id:
        return await _one(context, request, job_id)
    size = min(page_size or MAX_ENTRIES, MAX_ENTRIES)
    criteria = _visible(request)
    lists = context.services.history
    _, current, pending = await lists.lists(("current", "pending"), criteria, 0, MAX_ENTRIES)
    ended = await lists.ended(criteria, page if page_size else 0, size, Order.NEWEST)
    return JobHistory(queue=_entries([*current.tasks, *pending.tasks]), history=_entries(reversed(ended.tasks)))


@router.post(
    "/v1/generation/stop",
    summary="Stop a job",
    dependencies=[require_scope(Scope.CONTROL)],
    responses=errors(403, 404, 422, 429, 503),
)
async def stop(
    context: ApiContext,
    request: Request,
    job_id: Annotated[str | None, Query(description="The job to stop; may also be in the body.")] = None,
    body: Annotated[StopRequest | None, Body()] = None,
) -> StopResponse:
    """Stop the running job, or with a `job_id` that one, running or waiting. Nothing happens if it has ended."""
    sent = body or StopRequest()
    if unknown := unknown_names(sent.model_extra or {}, StopRequest.model_fields):
        raise InvalidFields(unknown_name(name, StopRequest.model_fields, "member") for name in unknown)
    if job_id is not None and sent.job_id is not None and job_id != sent.job_id:
        raise invalid_field("job_id", FieldErrorCode.CONFLICT, "differs between query and body; send it once")
    wanted = sent.job_id if job_id is None else job_id
    if wanted is None:
        await asyncio.to_thread(context.services.tasks.interrupt_running, "stop", access_of(request).only)
    elif not wanted.strip():
        raise invalid_field("job_id", FieldErrorCode.REQUIRED, "is empty; give a value, or omit it")
    else:
        task = await visible_task(context, request, wanted)
        await context.services.tasks.stop(task.task_id)
    return StopResponse(msg="success")


def _visible(request: Request) -> Filter:
    only = access_of(request).only
    return Filter(sources=() if only is None else (only,))


def _check_deletion(request: Request) -> None:
    """Reject a deletion with an unknown or a repeated parameter."""
    check_given_once(request, HISTORY_PARAMETERS)
    if unknown := unknown_names(request.query_params.keys(), HISTORY_PARAMETERS):
        raise InvalidFields(unknown_name(name, HISTORY_PARAMETERS, "query parameter") for name in unknown)


async def _delete(context: Context, request: Request, job_id: str) -> bool:
    """Delete a job that has ended. Return whether there was one."""
    try:
        task = await visible_task(context, request, job_id)
        if not task.status.is_terminal:
            return False
        await context.services.tasks.delete(task.task_id)
    except (UnknownTask, WrongStatus):
        return False
    return True


async def _one(context: Context, request: Request, job_id: str) -> JobHistory:
    try:
        task = await visible_task(context, request, job_id)
    except UnknownTask:
        return JobHistory(queue=[], history=[])
    entries = _entries([task])
    return JobHistory(queue=[], history=entries) if task.status.is_terminal else JobHistory(queue=entries, history=[])


def _entries(tasks: Iterable[Task]) -> list[JobEntry]:
    return [
        JobEntry(
            job_id=task.task_id,
            in_queue_mills=max(task.queued_at, 0),
            start_mills=max(task.started_at, 0),
            finish_mills=max(task.finished_at, 0),
            is_finished=task.status.is_terminal,
        )
        for task in tasks
    ]
