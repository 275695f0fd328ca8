"""`/tasks`: records of one or many tasks, and deletion by filter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ....tasks.history.queries import Page
from ....tasks.history.retention import Removed
from ....tasks.model.outlook import Outlook
from ....tasks.model.task import Task, TaskStatus
from ...context import ApiContext, Context
from ...images.large_answers import AnswerFiles
from ...images.output_files import read_output
from ...path_parameters import TASK
from ...repeats.record import with_repetitions
from ...requests.json_body import JsonRoute
from ...responses.problems import header, responses
from ...responses.rendering import rendered
from ...schemas.card import TaskCard, card_of
from ...schemas.task import RecordResponse, record_of
from ...security.authorization import access_of, require_scope, visible_task
from .query import MAX_PER_PAGE, TaskQuery, View

TaskId = Annotated[str, Path(description="The id of the task; hyphens as in a UUID are accepted.")]
TOTALS = {
    "X-Total-Count": "The number of tasks in the requested list; in all three lists with `query=all`.",
    "X-Total-History": "The number of ended tasks.",
    "X-Total-Pending": "The number of pending tasks.",
    "X-Total-Capped": "`true` if there may be more ended tasks than were counted.",
    "X-Page": "The page in the response.",
    "X-Page-Size": "The number of tasks per page.",
}
HEADER_SCHEMAS: dict[str, dict[str, Any]] = {"X-Total-Capped": {"enum": ["true", "false"]}}
"""Schemas of the headers that are not integers."""


class TaskLists(BaseModel):
    """Tasks by their state. Lists that were not requested are empty."""

    history: list[RecordResponse] = Field(description="Ended tasks.")
    current: list[RecordResponse] = Field(description="The running task, with its newest preview.")
    pending: list[RecordResponse] = Field(description="Pending tasks, the next one first.")


class TaskCards(BaseModel):
    """Tasks by their state, in short. Lists that were not requested are empty."""

    history: list[TaskCard] = Field(description="Ended tasks.")
    current: list[TaskCard] = Field(description="The running task, with its newest preview.")
    pending: list[TaskCard] = Field(description="Pending tasks, the next one first.")


class Deleted(BaseModel):
    """The outcome of `action=delete`."""

    message: str = Field(description="The outcome in words.")
    deleted: int = Field(description="The number of deleted tasks.")
    files_left: int = Field(
        default=0,
        description="The number of their images that another program has open. They are deleted as soon as possible. Absent "
        "if there are none.",
    )


router = APIRouter(tags=["tasks"], route_class=JsonRoute, dependencies=[require_scope(Scope.READ)])
HEADERS = {
    name: header(text, **HEADER_SCHEMAS.get(name, {"type": "integer", "minimum": 0})) for name, text in TOTALS.items()
}


@router.get(
    "/tasks",
    summary="List tasks",
    response_model=TaskLists | TaskCards | Deleted,
    response_model_exclude_unset=True,
    responses={**responses(401, 422, 503), 200: {"headers": HEADERS}},
)
async def get_tasks(context: ApiContext, request: Request, wanted: Annotated[TaskQuery, Query()]) -> Any:
    """Return one page of tasks; the headers have the totals. A key without `read-all` sees only its own tasks."""
    services, access = context.services, access_of(request)
    criteria = wanted.criteria(access)
    if wanted.action:
        access.require(Scope.CONTROL)
        wanted.check_deletion(request.query_params)
        return _deleted(await asyncio.to_thread(services.retention.remove_matching, criteria))
    page, page_size = wanted.page, min(wanted.page_size, MAX_PER_PAGE)
    history, current, pending = await services.history.lists(wanted.lists, criteria, page, page_size, wanted.order)
    for task in current.tasks:
        services.tasks.follow(task)

    def records() -> Response:
        outlooks = services.eta.outlooks(task.task_id for task in pending.tasks) if pending.tasks else {}
        entry = _card if wanted.view is View.CARD else full_record
        lists = {
            name: [
                entry(context, request, task, outlooks.get(task.task_id), with_preview=wanted.previews)
                for task in found.tasks
            ]
            for name, found in (("history", history), ("current", current), ("pending", pending))
        }
        model = TaskCards if wanted.view is View.CARD else TaskLists
        return rendered(model, lists, headers=_totals(history, current, pending, page, page_size))

    return await asyncio.to_thread(records)


@router.get(
    TASK,
    summary="Get a task",
    response_model=RecordResponse,
    response_model_exclude_unset=True,
    responses=responses(401, 404, 503),
)
async def get_task(context: ApiContext, request: Request, task_id: TaskId) -> Any:
    """Return the current record. While the task runs, `preview` is its newest preview. Once it has ended, each image has
    `repeat`, a request that generates it again."""
    task = await visible_task(context, request, task_id)

    def record() -> Response:
        files = AnswerFiles(read_output(context))
        values = full_record(context, request, task, read=files.read)
        return files.held_by(rendered(RecordResponse, with_repetitions(values, context, task, context.urls(request))))

    return await asyncio.to_thread(record)


def _deleted(removed: Removed) -> Deleted:
    message = f"{removed.tasks} tasks deleted"
    if not removed.files_left:
        return Deleted(message=message, deleted=removed.tasks)
    message += f"; {removed.files_left} of their images are open in another program and will be deleted later"
    return Deleted(message=message, deleted=removed.tasks, files_left=removed.files_left)


def full_record(
    context: Context,
    request: Request,
    task: Task,
    outlook: Outlook | None = None,
    *,
    with_preview: bool = True,
    read: Callable[[str], bytes] | None = None,
) -> dict[str, Any]:
    """Return a task's record with an active task's preview and outlook, and files only if `read` returns them. Off the event
    loop."""
    services = context.services
    preview = services.tasks.preview(task.task_id) if with_preview and task.status is TaskStatus.RUNNING else None
    if outlook is None:
        outlook = services.eta.outlook(task)
    record = record_of(task, context.urls(request), read, preview, outlook)
    if not with_preview:
        record.pop("preview", None)
    return record


def _card(
    context: Context, request: Request, task: Task, outlook: Outlook | None, *, with_preview: bool
) -> dict[str, Any]:
    services = context.services
    card = card_of(task, context.urls(request), outlook or services.eta.outlook(task))
    if with_preview and task.status is TaskStatus.RUNNING:
        preview = services.tasks.preview(task.task_id)
        card["preview"] = preview.base64() if preview is not None else ""
    return card


def _totals(history: Page, current: Page, pending: Page, page: int, page_size: int) -> dict[str, str]:
    return {
        "X-Total-Count": str(history.total + current.total + pending.total),
        "X-Total-History": str(history.total),
        "X-Total-Pending": str(pending.total),
        "X-Total-Capped": str(history.capped).lower(),
        "X-Page": str(page),
        "X-Page-Size": str(page_size),
    }
