"""Jobs and their results in the form of Fooocus-API, and its webhook body."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from ....images.file_kinds import format_of
from ....tasks.model.task import Image, Task, TaskStatus
from ...context import Context
from ...images.large_answers import AnswerFiles
from ...images.output_files import read_output
from ...responses.images import MEDIA_TYPES
from ...responses.public_urls import PublicUrls
from .requests.kinds import Kind, kind_of

WAITING, RUNNING, SUCCESS, ERROR = "WAITING", "RUNNING", "SUCCESS", "ERROR"
CANCELLED, QUEUE_IS_FULL = "USER_CANCEL", "QUEUE_IS_FULL"
FINISHED, UNKNOWN_JOB = "Finished", "Job not found"
MAX_PROGRESS = 99
"""Progress of a job that has not ended."""


class LegacyError(BaseModel):
    """An error in FastAPI's form."""

    detail: str | list[dict[str, Any]] = Field(
        description="A sentence, or `loc`, `msg` and `type` of each invalid field."
    )


class LegacyImage(BaseModel):
    """One generated image."""

    base64: str | None = Field(description="The file as a data URI, if the request set `require_base64`.")
    url: str | None = Field(description="The URL of the file; signed if keys are required.")
    seed: str = Field(description="The seed.")
    finish_reason: str = Field(description="SUCCESS, USER_CANCEL or QUEUE_IS_FULL.")


class LegacyJob(BaseModel):
    """A job, which is a task of any origin."""

    job_id: str = Field(description="The task_id; empty if there is no such job, or the queue is full.")
    job_type: Kind = Field(description="The kind.")
    job_stage: str = Field(description="WAITING, RUNNING, SUCCESS or ERROR.")
    job_progress: int = Field(description="0 to 100; 100 for SUCCESS only.")
    job_status: str | None = Field(description="A text; `Finished` for each job that has ended, null before the start.")
    job_step_preview: str | None = Field(description="The newest preview, base64 of a PNG, if it was requested.")
    job_result: list[LegacyImage] | None = Field(description="The images, for SUCCESS.")
    job_error: str | None = Field(
        default=None, description="The reason for ERROR. An addition to Fooocus-API's members."
    )


def job_answer(
    task: Task, context: Context, urls: PublicUrls, *, preview: bool = False, headers: dict[str, str] | None = None
) -> Response:
    """Return a task as a job. It may read files and encode a picture: off the event loop."""
    files = AnswerFiles(read_output(context))
    return files.held_by(JSONResponse(_job_of(task, context, urls, files, preview), headers=headers))


def results_answer(task: Task, context: Context, urls: PublicUrls, headers: dict[str, str]) -> Response:
    """Return the images of a task. It may read files: off the event loop."""
    files = AnswerFiles(read_output(context))
    return files.held_by(JSONResponse(_results_of(task, urls, files), headers=headers))


def _job_of(task: Task, context: Context, urls: PublicUrls, files: AnswerFiles, preview: bool) -> dict[str, Any]:
    stage = _stage(task)
    picture = context.services.tasks.preview(task.task_id) if preview and stage == RUNNING else None
    return {
        "job_id": task.task_id,
        "job_type": kind_of(task).value,
        "job_stage": stage,
        "job_progress": 100 if stage == SUCCESS else min(int(task.progress), MAX_PROGRESS),
        "job_status": _status(task),
        "job_step_preview": picture.base64() if picture is not None else None,
        "job_result": _results_of(task, urls, files) if stage == SUCCESS else None,
        "job_error": _error(task) if stage == ERROR else None,
    }


def _results_of(task: Task, urls: PublicUrls, files: AnswerFiles) -> list[dict[str, Any]]:
    with_content = task.parameters.get("require_base64")
    return [
        {
            "base64": _data_uri(image, files) if with_content else None,
            "url": urls.file(image.path),
            "seed": seed_of(task, image),
            "finish_reason": SUCCESS,
        }
        for image in task.images
    ]


def no_job(kind: Kind, status: str | None, reason: str | None = None) -> dict[str, Any]:
    """Return a job that does not exist: an unknown one, or one that was refused for this reason."""
    return {
        "job_id": "",
        "job_type": kind.value,
        "job_stage": ERROR,
        "job_progress": 0,
        "job_status": status,
        "job_step_preview": None,
        "job_result": no_results(reason) if reason else None,
        "job_error": None,
    }


def no_results(reason: str) -> list[dict[str, Any]]:
    """Return the list of results without an image, for this reason."""
    return [{"base64": None, "url": None, "seed": "", "finish_reason": reason}]


def legacy_webhook_body(context: Context, own_url: str, task: Task, base_url: str) -> bytes:
    """Return the body that a receiver gets of a task that Fooocus-API's routes accepted."""
    urls = PublicUrls(None, context.base_url or base_url or own_url, context.security.links)
    images = [{"url": urls.file(image.path), "seed": seed_of(task, image)} for image in task.images]
    return json.dumps({"job_id": task.task_id, "job_result": images}).encode()


def seed_of(task: Task, image: Image) -> str:
    """Return the seed of an image, or that of its task for an image without one of its own."""
    return str(task.parameters.get("image_seed", -1) if image.seed is None else image.seed)


def _stage(task: Task) -> str:
    if task.status is TaskStatus.PENDING:
        return WAITING
    if task.status is TaskStatus.RUNNING:
        return RUNNING
    has_result = task.status is TaskStatus.FINISHED or (task.status is TaskStatus.STOPPED and task.images)
    return SUCCESS if has_result else ERROR


def _status(task: Task) -> str | None:
    """Return the text of a task's state. Clients look for `Finished`, and for `Step` to know a job that can be stopped."""
    if task.status.is_terminal:
        return FINISHED
    if task.status is TaskStatus.PENDING:
        return None
    stage = task.stage
    if stage.step is not None and stage.phase in ("sampling", "decoding"):
        return f"Step {stage.step}/{stage.steps} in the {stage.image_number or 1}-th Sampling"
    return task.title or None


def _error(task: Task) -> str:
    if task.error is not None:
        return f"{task.error.type}: {task.error.message}"
    return f"the job is {task.status.value}"


def _data_uri(image: Image, files: AnswerFiles) -> str | None:
    """Return an image's file as a data URI, None if it can't be read."""
    try:
        content = files.read(image.path)
    except OSError:
        return None
    kind = MEDIA_TYPES.get(format_of(Path(image.path)) or "PNG", "image/png")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
