"""`/tasks`: records of one or many tasks, and deletion by filter."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ...auth.keys import Scope
from ...tasks.history.queries import Filter, Page
from ...tasks.history.retention import Removed
from ...tasks.model.outlook import Outlook
from ...tasks.model.task import Task, TaskStatus
from ..context import Context
from ..requests.json_body import JsonRoute
from ..requests.timestamps import TIMESTAMP_SCHEMAS as TIMES
from ..requests.timestamps import parse_timestamp
from ..responses.problems import FieldError, InvalidFields, header, invalid_field, responses
from ..responses.rendering import rendered
from ..schemas.task import RecordResponse, record_of
from ..security.authorization import access_of, require_scope, visible_task
from .outputs import read_output

TaskId = Annotated[str, Path(description="The id of the task; hyphens as in a UUID are accepted.")]
MAX_PER_PAGE = 100
PAGE_SIZE = 10
FILTERS = frozenset({"start_at", "end_at", "source", "model", "prompt", "status"})
BLANK = "\x00 \t\r\n"
MAX_CHARACTERS = 500
MAX_SEARCH_LENGTH = 5000
MAX_SOURCES = 100
MAX_WORDS = 50
"""Words to search for in prompts: databases limit a condition's length."""
TOTALS = {
    "X-Total-Count": "The number of tasks in the requested list; in all three lists with `query=all`.",
    "X-Total-History": "The number of ended tasks.",
    "X-Total-Pending": "The number of pending tasks.",
    "X-Total-Capped": "`true` if there are more ended tasks than were counted.",
    "X-Page": "The page in the response.",
    "X-Page-Size": "The number of tasks per page.",
}
HEADER_SCHEMAS: dict[str, dict[str, Any]] = {"X-Total-Capped": {"enum": ["true", "false"]}}
"""Schemas of the headers that are not integers."""


class Lists(str, Enum):
    """The lists to return."""

    ALL = "all"
    HISTORY = "history"
    CURRENT = "current"
    PENDING = "pending"


class Sort(str, Enum):
    """The order of the ended tasks."""

    NEWEST = "newest"
    OLDEST = "oldest"


class TaskLists(BaseModel):
    """Tasks by their state. Lists that were not requested are empty."""

    history: list[RecordResponse] = Field(description="Ended tasks.")
    current: list[RecordResponse] = Field(description="The running task, with its newest preview.")
    pending: list[RecordResponse] = Field(description="Pending tasks, the next one first.")


class Deleted(BaseModel):
    """The outcome of `action=delete`."""

    message: str = Field(description="The outcome in words.")
    deleted: int = Field(description="The number of deleted tasks.")
    files_left: int = Field(
        default=0,
        description="The number of their images that another program has open. They are deleted as soon as possible. Absent "
        "if there are none.",
    )


Time = Annotated[
    str | None,
    Query(
        max_length=MAX_CHARACTERS,
        description="Limits `history` by the time of queueing. ISO 8601 with a time zone or in the server's own, or "
        "milliseconds since 1970.",
        json_schema_extra={"anyOf": [{"type": "string", **schema} for schema in TIMES]},
    ),
]


def router(context: Context) -> APIRouter:
    """Return the router."""
    routes = APIRouter(tags=["tasks"], route_class=JsonRoute, dependencies=[require_scope(Scope.READ)])
    headers = {
        name: header(text, **HEADER_SCHEMAS.get(name, {"type": "integer", "minimum": 0}))
        for name, text in TOTALS.items()
    }

    @routes.get(
        "/tasks",
        summary="List tasks",
        response_model=TaskLists | Deleted,
        response_model_exclude_unset=True,
        responses={**responses(401, 422, 503), 200: {"headers": headers}},
    )
    async def get_tasks(
        request: Request,
        query: Annotated[Lists, Query(description="The lists to return.")] = Lists.ALL,
        page: Annotated[
            int, Query(ge=0, le=10_000_000, description="The page of `history` and `pending`; the first is 0.")
        ] = 0,
        page_size: Annotated[
            int, Query(ge=1, description=f"Tasks per page; at most {MAX_PER_PAGE} are returned.")
        ] = PAGE_SIZE,
        start_at: Time = None,
        end_at: Time = None,
        status: Annotated[
            list[TaskStatus] | None, Query(description="Only tasks with these statuses; may be given more than once.")
        ] = None,
        source: Annotated[
            list[Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]] | None,
            Query(
                max_length=MAX_SOURCES,
                description="Only tasks of these origins, as in records: `webui`, `api`, `imported`, or the name of a key.",
            ),
        ] = None,
        model: Annotated[
            str | None,
            Query(max_length=MAX_CHARACTERS, description="Only tasks with this checkpoint, by its file name."),
        ] = None,
        prompt: Annotated[
            str | None,
            Query(
                max_length=MAX_SEARCH_LENGTH,
                description="Only tasks whose prompt contains all of these words or parts of words.",
            ),
        ] = None,
        sort: Annotated[Sort, Query(description="The order of `history` by the time of queueing.")] = Sort.NEWEST,
        action: Annotated[
            str | None,
            Query(
                max_length=MAX_CHARACTERS,
                description="`delete` deletes the ended tasks that match the filters, with their images; requires a time.",
                json_schema_extra={"anyOf": [{"type": "string", "enum": ["delete"]}]},
            ),
        ] = None,
    ) -> Any:
        """Return one page of tasks; the headers have the totals. A key without `read-all` sees only its own tasks."""
        services, access = context.services, access_of(request)
        criteria = Filter(
            statuses=tuple(item.value for item in status or ()),
            start=parse_timestamp("start_at", start_at),
            end=parse_timestamp("end_at", end_at, end=True),
            sources=access.sources(tuple(filter(None, source or ()))),
            model=model or None,
            prompt_words=tuple((prompt or "").replace("\x00", " ").split()),
        )
        if len(criteria.prompt_words) > MAX_WORDS:
            raise invalid_field(
                "prompt", FieldErrorCode.TOO_LONG, f"has too many words; at most {MAX_WORDS} are allowed"
            )
        _check_times(criteria, action)
        if action:
            access.require(Scope.CONTROL)
            _check_deletion(query, page, page_size)
            _check_filters(request)
            removed = await asyncio.to_thread(services.retention.remove_matching, criteria)
            return _deleted(removed)
        page_size = min(page_size, MAX_PER_PAGE)
        which = ("history", "current", "pending") if query is Lists.ALL else (query.value,)
        history, current, pending = await services.history.lists(
            which, criteria, page, page_size, newest_first=sort is Sort.NEWEST
        )

        def records() -> Response:
            outlooks = services.eta.outlooks(task.task_id for task in pending.tasks) if pending.tasks else {}
            waiting = [full_record(context, request, task, outlooks.get(task.task_id)) for task in pending.tasks]
            lists = {
                "history": [full_record(context, request, task) for task in history.tasks],
                "current": [full_record(context, request, task) for task in current.tasks],
                "pending": waiting,
            }
            return rendered(TaskLists, lists, headers=_totals(history, current, pending, page, page_size))

        return await asyncio.to_thread(records)

    @routes.get(
        "/tasks/{task_id}",
        summary="Get a task",
        response_model=RecordResponse,
        response_model_exclude_unset=True,
        responses=responses(401, 404, 503),
    )
    async def get_task(
        request: Request,
        task_id: TaskId,
    ) -> Any:
        """Return the current record. While the task runs, `preview` is its newest preview."""
        task = await visible_task(context, request, task_id)
        return await asyncio.to_thread(lambda: rendered(RecordResponse, full_record(context, request, task)))

    return routes


def _deleted(removed: Removed) -> Deleted:
    message = f"{removed.tasks} tasks deleted"
    if not removed.files_left:
        return Deleted(message=message, deleted=removed.tasks)
    message += f"; {removed.files_left} of their images are open in another program and will be deleted later"
    return Deleted(message=message, deleted=removed.tasks, files_left=removed.files_left)


def full_record(context: Context, request: Request, task: Task, outlook: Outlook | None = None) -> dict[str, Any]:
    """Return a task's record with an active task's preview and outlook. Off the event loop."""
    services = context.services
    preview = services.tasks.preview(task.task_id) if task.status is TaskStatus.RUNNING else None
    if outlook is None:
        outlook = services.eta.outlook(task)
    return record_of(task, context.urls(request), read_output(context), preview, outlook)


def _check_filters(request: Request) -> None:
    """Refuse an empty filter in a deletion: it would limit nothing, and too many tasks would be deleted.

    Raises:
        InvalidFields: names each empty filter.
    """
    empty = [name for name, value in request.query_params.multi_items() if name in FILTERS and not value.strip(BLANK)]
    message = "is empty, which would delete tasks regardless of it; give a value, or omit it"
    if empty:
        raise InvalidFields(
            [FieldError(field=name, code=FieldErrorCode.REQUIRED, message=message) for name in dict.fromkeys(empty)]
        )


def _check_times(criteria: Filter, action: str | None) -> None:
    if criteria.start is not None and criteria.end is not None and criteria.start > criteria.end:
        raise invalid_field("start_at", FieldErrorCode.CONFLICT, "is later than end_at; give an earlier time")
    if not action:
        return
    if action.lower() != "delete":
        raise invalid_field("action", FieldErrorCode.UNKNOWN_VALUE, f"unknown action {shortened(action)!r}", ["delete"])
    if criteria.start is None and criteria.end is None:
        message = "a deletion requires start_at, end_at, or both"
        raise invalid_field("start_at", FieldErrorCode.REQUIRED, message)


def _check_deletion(query: Lists, page: int, page_size: int) -> None:
    """Refuse parameters that look like limits of a deletion but are not.

    Raises:
        InvalidFields: the request asks for a page, or for a list of tasks that have not ended.
    """
    errors = []
    if query not in (Lists.ALL, Lists.HISTORY):
        message = "does not limit a deletion, which covers only ended tasks; use status, or omit it"
        errors.append(
            FieldError(
                field="query",
                code=FieldErrorCode.NO_EFFECT,
                message=message,
                allowed=[Lists.ALL.value, Lists.HISTORY.value],
            )
        )
    for field, value, default in (("page", page, 0), ("page_size", page_size, PAGE_SIZE)):
        if value != default:
            message = "does not limit a deletion, which has no pages; use the filters, and omit it"
            errors.append(FieldError(field=field, code=FieldErrorCode.NO_EFFECT, message=message))
    if errors:
        raise InvalidFields(errors)


def _totals(history: Page, current: Page, pending: Page, page: int, page_size: int) -> dict[str, str]:
    return {
        "X-Total-Count": str(history.total + current.total + pending.total),
        "X-Total-History": str(history.total),
        "X-Total-Pending": str(pending.total),
        "X-Total-Capped": str(history.capped).lower(),
        "X-Page": str(page),
        "X-Page-Size": str(page_size),
    }
