"""`/tasks/bulk`: one action on many tasks, with a result for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....auth.keys import Scope
from ....tasks.control.bulk import BulkActions, Outcomes
from ....tasks.model.task import Task
from ....tasks.service import DatabaseUnavailable, UnknownTask, WrongStatus
from ...context import ApiContext
from ...requests.json_body import JsonRoute
from ...responses.problems import FieldError, InvalidFields, responses
from ...responses.rendering import rendered
from ...schemas.own_data import MAX_TAGS, Tag
from ...security.authorization import as_stored, may_see, require_scope

MAX_IDS = 1000
Action = Literal["cancel", "delete", "front", "tag"]
CODES = {
    UnknownTask: ErrorCode.TASK_NOT_FOUND,
    WrongStatus: ErrorCode.WRONG_TASK_STATUS,
    DatabaseUnavailable: ErrorCode.DATABASE_UNAVAILABLE,
}
"""Exception → code. Any other is one of tags that can't be changed so."""


class TooManyTags(ValueError):
    """A task would have more tags than are allowed."""


def _once(ids: list[str]) -> list[str]:
    ids = [as_stored(one) for one in ids]
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("duplicate", "has an id more than once; name each task once")
    return ids


NO_TAGS = {"maxItems": 0}
SOME_TAGS = {"minItems": 1}
TAGS_GO_WITH_THE_ACTION: dict[str, Any] = {
    "if": {"properties": {"action": {"const": "tag"}}, "required": ["action"]},
    "then": {"anyOf": [{"properties": {name: SOME_TAGS}, "required": [name]} for name in ("tags", "remove_tags")]},
    "else": {"properties": {"tags": NO_TAGS, "remove_tags": NO_TAGS}},
}
"""The rule of `_check_tags` as JSON Schema."""


class BulkRequest(BaseModel):
    """An action on tasks."""

    model_config = {"extra": "forbid", "json_schema_extra": TAGS_GO_WITH_THE_ACTION}

    ids: Annotated[list[Annotated[str, Field(max_length=100)]], AfterValidator(_once)] = Field(
        min_length=1,
        max_length=MAX_IDS,
        description=f"The ids of up to {MAX_IDS} tasks.",
        json_schema_extra={"uniqueItems": True},
    )
    action: Action = Field(
        description="`cancel` stops pending and running tasks, `delete` deletes ended ones with their images and cancels pending "
        "ones, `front` moves pending ones to the front in this order, `tag` changes the tags."
    )
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS, description="Only with `tag`: the tags to add.")
    remove_tags: list[Tag] = Field(default=[], max_length=MAX_TAGS, description="Only with `tag`: the tags to remove.")


class BulkResult(BaseModel):
    """The result for one task."""

    task_id: str = Field(description="The id of the task.")
    ok: bool = Field(description="True if the action has taken place.")
    outcome: Literal["cancelled", "stopping", "deleted", "moved", "tagged"] | None = Field(
        default=None,
        description="The outcome if it has. `stopping`: the task ran, and ends at its next step. `cancelled` also after `delete` "
        "of a pending task, which stays in the history.",
    )
    code: ErrorCode | None = Field(default=None, description="The kind of the problem if it has not.")
    status: int | None = Field(
        default=None, description="The HTTP status that a request for this task alone would get."
    )
    detail: str | None = Field(default=None, description="The problem in words that may change.")


class BulkResponse(BaseModel):
    """The results of an action on tasks."""

    action: Action = Field(description="The action of the request.")
    done: int = Field(description="The number of tasks for which it has taken place.")
    failed: int = Field(description="The number of the others.")
    results: list[BulkResult] = Field(description="One result for each id, in the order of the request.")


router = APIRouter(tags=["tasks"], route_class=JsonRoute, dependencies=[require_scope(Scope.CONTROL)])


@router.post(
    "/tasks/bulk",
    summary="Act on many tasks",
    response_model=BulkResponse,
    response_model_exclude_unset=True,
    responses=responses(401, 403, 422, 503),
)
async def act(context: ApiContext, request: Request, body: BulkRequest) -> Any:
    """Cancel, delete, move or tag up to 1000 tasks. The answer is 200 also if some tasks can't take the action: each has a
    result of its own. The response does not wait for the ends of cancelled tasks."""
    _check_tags(body)
    bulk = context.services.control.bulk
    found = await bulk.find(body.ids)
    tasks = [found[one] for one in body.ids if one in found and may_see(request, found[one])]
    outcomes = await _outcomes(bulk, body, tasks)
    results = [_result(one, outcomes.get(one, UnknownTask(one))) for one in body.ids]
    done = sum(result["ok"] for result in results)
    values = {"action": body.action, "done": done, "failed": len(results) - done, "results": results}
    return await asyncio.to_thread(rendered, BulkResponse, values)


async def _outcomes(bulk: BulkActions, body: BulkRequest, tasks: Sequence[Task]) -> Outcomes:
    if body.action == "cancel":
        return await bulk.cancel(tasks)
    if body.action == "delete":
        return await bulk.delete(tasks)
    if body.action == "front":
        return await bulk.front(tasks)
    return await bulk.tag(tasks, partial(_changed, body))


def _changed(body: BulkRequest, before: Sequence[str]) -> list[str]:
    tags = list(dict.fromkeys([*(tag for tag in before if tag not in body.remove_tags), *body.tags]))
    if len(tags) > MAX_TAGS:
        raise TooManyTags(f"the task would have {len(tags)} tags; at most {MAX_TAGS} are allowed")
    return tags


def _check_tags(body: BulkRequest) -> None:
    """Check that the tags go together with the action.

    Raises:
        InvalidFields: they do not.
    """
    given = [name for name in ("tags", "remove_tags") if getattr(body, name)]
    if body.action != "tag" and given:
        message = f"has no effect on {body.action}; leave it out"
        raise InvalidFields(FieldError(field=name, code=FieldErrorCode.NO_EFFECT, message=message) for name in given)
    if body.action == "tag" and not given:
        message = "is required with tag, or remove_tags; give at least one tag"
        raise InvalidFields([FieldError(field="tags", code=FieldErrorCode.REQUIRED, message=message)])


def _result(task_id: str, outcome: str | Exception) -> dict[str, Any]:
    if isinstance(outcome, str):
        return {"task_id": task_id, "ok": True, "outcome": outcome}
    code = next((code for kind, code in CODES.items() if isinstance(outcome, kind)), ErrorCode.INVALID_FIELDS)
    detail = f"task {task_id} does not exist" if isinstance(outcome, UnknownTask) else str(outcome)
    return {"task_id": task_id, "ok": False, "code": code, "status": code.status, "detail": detail}
