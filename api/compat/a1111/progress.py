"""`progress`, `interrupt` and `skip`: the caller's own job, which no id names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ....tasks.build import TaskServices
from ....tasks.model.task import Task, TaskStatus
from ...context import ApiContext, Context
from ...security.authorization import FULL_ACCESS, Access, access_of, require_scope
from .jobs import Job, Jobs
from .routing import A1111Route, refusals

WEBUI = "webui"
"""The source of tasks that were started in the browser."""
OTHER_JOB = "scripts_txt2img"
"""The name of the job of a task that came in another way."""


class ProgressState(BaseModel):
    """The state of the caller's job; of none, its texts are empty and its numbers 0."""

    skipped: bool = Field(default=False, description="True if the current image was skipped.")
    interrupted: bool = Field(default=False, description="True if the job was interrupted.")
    stopping_generation: bool = Field(default=False, description="True if the job was interrupted.")
    job: str = Field(default="", description="The job's name, from the arrival of its request to its answer.")
    job_count: int = Field(default=0, description="The number of images.")
    job_timestamp: str = Field(default="0", description="The time of the request, as in 20261128140000.")
    job_no: int = Field(default=0, description="The number of images that are complete.")
    sampling_step: int = Field(default=0, description="The last step of the current image.")
    sampling_steps: int = Field(default=0, description="The number of steps of the current image.")


class ProgressResponse(BaseModel):
    """The progress of the caller's job."""

    progress: float = Field(default=0.0, ge=0, le=1, description="The share that is done; 0 without a job.")
    eta_relative: float = Field(default=0.0, ge=0, description="Seconds to the end; 0 if unknown.")
    state: ProgressState = Field(default_factory=ProgressState, description="The state of the job.")
    current_image: str | None = Field(default=None, description="The newest preview: a PNG as base64.")
    textinfo: str | None = Field(default=None, description="The present work, in words.")


@dataclass(frozen=True)
class Shown:
    """The job that a caller sees, and the task of it that is not ended. A task without a job came in another way."""

    job: Job | None
    task: Task | None


def router(jobs: Jobs) -> APIRouter:
    """Return the router."""
    routes = APIRouter(tags=["progress"], route_class=A1111Route)

    def progress(
        context: ApiContext,
        request: Request,
        skip_current_image: Annotated[bool, Query(description="Leave out the preview.")] = False,
    ) -> ProgressResponse:
        """Return the progress of the caller's newest request that is not answered yet. With a key, that is the key's; without,
        the one that runs."""
        shown = shown_to(access_of(request), context.services, jobs)
        return (
            ProgressResponse()
            if shown is None
            else _progress(shown, context.services, with_image=not skip_current_image)
        )

    async def interrupt(context: ApiContext, request: Request) -> Any:
        """Stop the caller's running or waiting request, which is answered with the images that are complete. Tasks of other
        keys and of the WebUI are never stopped."""
        await run_in_threadpool(_interrupt, context, access_of(request), jobs)
        return JSONResponse({})

    async def skip(context: ApiContext, request: Request) -> Any:
        """Skip the current image of the caller's running request."""
        await run_in_threadpool(_skip, context, access_of(request), jobs)
        return JSONResponse(None)

    routes.get(
        "/sdapi/v1/progress",
        summary="Progress of the caller's job",
        responses=refusals(),
        dependencies=[require_scope(Scope.READ)],
    )(progress)
    control: dict[str, Any] = {"responses": refusals(), "dependencies": [require_scope(Scope.CONTROL)]}
    routes.post("/sdapi/v1/interrupt", summary="Stop the caller's job", response_model=dict[str, Any], **control)(
        interrupt
    )
    routes.post("/sdapi/v1/skip", summary="Skip an image of the caller's job", response_model=None, **control)(skip)
    return routes


def shown_to(access: Access, services: TaskServices, jobs: Jobs) -> Shown | None:
    """Return what a caller sees: of its jobs the one that runs, else the newest; else its task that runs or waits. Without keys
    also the task that runs of anyone. None if there is nothing. Not on an event loop."""
    own, started = jobs.of(access.source), services.active.started(lambda live: live.ending is None)
    for task in started:
        for job in own:
            if task.task_id in job.task_ids:
                return Shown(job, replace(task))
    if own:
        live = services.active.get(own[-1].task_ids[-1]) if own[-1].task_ids else None
        return Shown(own[-1], live.task if live is not None else None)
    running = services.tasks.running(None if access is FULL_ACCESS else access.source)
    if running is not None:
        return Shown(None, running)
    pending = services.active.pending((access.source,))
    return Shown(None, pending[-1].task) if pending else None


def _progress(shown: Shown, services: TaskServices, *, with_image: bool) -> ProgressResponse:
    job, task = shown.job, shown.task
    if task is None:
        done = len(job.task_ids) / max(job.parts, 1) if job is not None else 0.0  # between two tasks
        return ProgressResponse(progress=min(done, 1.0), state=_state(job, None), textinfo="Waiting")
    services.tasks.follow(task)
    parts, before = (job.parts, job.done(task.task_id)) if job is not None else (1, 0)
    preview = services.tasks.preview(task.task_id) if with_image else None
    return ProgressResponse(
        progress=min((before + task.progress / 100) / max(parts, 1), 1.0),
        eta_relative=max(services.eta.outlook(task).eta_seconds or 0.0, 0.0),
        state=_state(job, task),
        current_image=preview.base64() if preview is not None else None,
        textinfo=task.title or "Waiting",
    )


def _state(job: Job | None, task: Task | None) -> ProgressState:
    stage = task.stage if task is not None else None
    count = job.count if job is not None else int((task.parameters if task else {}).get("image_number") or 1)
    number = (stage.image_number or 1) - 1 if stage is not None else 0
    if job is not None and task is not None and job.done(task.task_id):
        number = job.done(task.task_id) - 1  # a second pass: one task for each image
    stopped = job is not None and job.interrupted
    return ProgressState(
        skipped=job is not None and job.skipped,
        interrupted=stopped,
        stopping_generation=stopped,
        job=job.name if job is not None else OTHER_JOB,
        job_count=max(count, 1),
        job_timestamp=job.timestamp if job is not None else "0",
        job_no=max(min(number, count - 1), 0),
        sampling_step=(stage.step or 0) if stage is not None else 0,
        sampling_steps=(stage.steps or 0) if stage is not None else 0,
    )


def _interrupt(context: Context, access: Access, jobs: Jobs) -> None:
    shown = shown_to(access, context.services, jobs)
    if shown is None:
        return
    if shown.job is not None:
        shown.job.interrupt()  # first: a task that is submitted from now on is stopped by the request itself
        for task_id in shown.job.task_ids[-1:]:
            context.services.tasks.stop_now(task_id)
    elif (task := _own(shown, access)) is not None:
        context.services.tasks.stop_now(task.task_id)


def _skip(context: Context, access: Access, jobs: Jobs) -> None:
    shown = shown_to(access, context.services, jobs)
    task = _own(shown, access) if shown is not None else None
    if shown is None or task is None or task.status is not TaskStatus.RUNNING:
        return
    if shown.job is not None:
        shown.job.skip()
    context.services.tasks.skip(task.task_id)


def _own(shown: Shown, access: Access) -> Task | None:
    task = shown.task
    return task if task is not None and task.source == access.source and task.source != WEBUI else None
