"""Query parameters of `GET /tasks`: the lists, the page, the filters, and the deletion of what they match."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints
from starlette.datastructures import QueryParams

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....tasks.history.queries import Filter, Order
from ....tasks.model.task import TaskStatus
from ...requests.timestamps import TIMESTAMP_SCHEMAS as TIMES
from ...requests.timestamps import parse_timestamp
from ...responses.problems import FieldError, InvalidFields, invalid_field
from ...schemas.own_data import MAX_TAG_LENGTH, MAX_TAGS
from ...security.authorization import Access

MAX_PER_PAGE = 100
PAGE_SIZE = 10
FILTERS = frozenset({"start_at", "end_at", "source", "model", "prompt", "status", "tag"})
BLANK = "\x00 \t\r\n"
MAX_CHARACTERS = 500
MAX_SEARCH_LENGTH = 5000
MAX_SOURCES = 100
MAX_WORDS = 50
"""Words to search for in prompts: databases limit a condition's length."""


class Lists(str, Enum):
    """The lists to return."""

    ALL = "all"
    HISTORY = "history"
    CURRENT = "current"
    PENDING = "pending"


class View(str, Enum):
    """The form of the entries of the lists."""

    FULL = "full"
    CARD = "card"


class Sort(str, Enum):
    """The order of the ended tasks."""

    NEWEST = "newest"
    OLDEST = "oldest"
    FINISHED = "finished"


Time = Annotated[
    str | None,
    Field(
        max_length=MAX_CHARACTERS,
        description="Limits `history` by the time of queueing. ISO 8601 with a time zone or in the server's own, or "
        "milliseconds since 1970.",
        json_schema_extra={"anyOf": [{"type": "string", **schema} for schema in TIMES]},
    ),
]


class TaskFilters(BaseModel):
    """The query parameters that select tasks."""

    start_at: Time = None
    end_at: Time = None
    status: list[TaskStatus] | None = Field(
        default=None, description="Only tasks with these statuses; may be given more than once."
    )
    source: list[Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]] | None = Field(
        default=None,
        max_length=MAX_SOURCES,
        description="Only tasks of these origins, as in records: `webui`, `api`, `imported`, or the name of a key.",
    )
    model: str | None = Field(
        default=None, max_length=MAX_CHARACTERS, description="Only tasks with this checkpoint, by its file name."
    )
    prompt: str | None = Field(
        default=None,
        max_length=MAX_SEARCH_LENGTH,
        description="Only tasks whose prompt contains all of these words or parts of words.",
    )
    sort: Sort = Field(
        default=Sort.NEWEST,
        description="The order of `history`: by the time of queueing, or, with `finished`, by the time of the end, the latest "
        "first. `finished` does not go together with `prompt`.",
    )
    finished_before: Annotated[
        str | None,
        Field(
            max_length=MAX_CHARACTERS,
            description="With `sort=finished`: only tasks that ended before this time. With the time of the first page, further "
            "pages stay in step while tasks end. ISO 8601 or milliseconds since 1970.",
            json_schema_extra={"anyOf": [{"type": "string", **schema} for schema in TIMES]},
        ),
    ] = None
    tag: list[Annotated[str, StringConstraints(max_length=MAX_TAG_LENGTH)]] | None = Field(
        default=None,
        max_length=MAX_TAGS,
        description="Only tasks with this tag; given more than once, with all of them.",
    )

    @property
    def order(self) -> Order:
        """The order of the ended tasks."""
        return Order(self.sort.value)

    def criteria(self, access: Access) -> Filter:
        """Return the filters, restricted to the tasks visible to the client.

        Raises:
            InvalidFields: a filter is invalid.
        """
        criteria = Filter(
            statuses=tuple(item.value for item in self.status or ()),
            start=parse_timestamp("start_at", self.start_at),
            end=parse_timestamp("end_at", self.end_at, end=True),
            sources=access.sources(tuple(filter(None, map(_plain, self.source or ())))),
            model=_plain(self.model or "") or None,
            prompt_words=tuple(_plain(self.prompt or "").split()),
            tags=tuple(dict.fromkeys(filter(None, map(_plain, self.tag or ())))),
            finished_before=parse_timestamp("finished_before", self.finished_before),
        )
        if len(criteria.prompt_words) > MAX_WORDS:
            raise invalid_field(
                "prompt", FieldErrorCode.TOO_LONG, f"has too many words; at most {MAX_WORDS} are allowed"
            )
        _check_times(criteria)
        _check_order(self, criteria)
        return criteria


class TaskQuery(TaskFilters):
    """The query parameters of `GET /tasks`."""

    query: Lists = Field(default=Lists.ALL, description="The lists to return.")
    page: int = Field(
        default=0, ge=0, le=10_000_000, description="The page of `history` and `pending`; the first is 0."
    )
    page_size: int = Field(
        default=PAGE_SIZE, ge=1, description=f"Tasks per page; at most {MAX_PER_PAGE} are returned, and all that run."
    )
    view: View = Field(
        default=View.FULL, description="`card` returns a short entry of each task (`TaskCard`) instead of its record."
    )
    previews: bool = Field(default=True, description="False leaves out the running task's preview.")
    action: str | None = Field(
        default=None,
        max_length=MAX_CHARACTERS,
        description="`delete` deletes the ended tasks that match the filters, with their images; requires a time.",
        json_schema_extra={"anyOf": [{"type": "string", "enum": ["delete"]}]},
    )

    @property
    def lists(self) -> Sequence[str]:
        """The names of the lists to return."""
        return ("history", "current", "pending") if self.query is Lists.ALL else (self.query.value,)

    def criteria(self, access: Access) -> Filter:
        """Return the filters, as `TaskFilters` does, after a check of the action."""
        criteria = super().criteria(access)
        _check_action(criteria, self.action)
        return criteria

    def check_deletion(self, given: QueryParams) -> None:
        """Refuse parameters that look like limits of a deletion but are not, and empty filters.

        Raises:
            InvalidFields: the request asks for a page, for a list of tasks that have not ended, or has an empty filter, which
                would limit nothing, so that too many tasks would be deleted.
        """
        _check_limits(self)
        _check_filters(given)


def _plain(text: str) -> str:
    """Return a text without NUL, which PostgreSQL refuses and no record has."""
    return text.replace("\x00", " ")


def _check_filters(given: QueryParams) -> None:
    """Refuse an empty filter in a deletion: it would limit nothing, and too many tasks would be deleted.

    Raises:
        InvalidFields: names each empty filter.
    """
    empty = [name for name, value in given.multi_items() if name in FILTERS and not value.strip(BLANK)]
    message = "is empty, which would delete tasks regardless of it; give a value, or omit it"
    if empty:
        raise InvalidFields(
            [FieldError(field=name, code=FieldErrorCode.REQUIRED, message=message) for name in dict.fromkeys(empty)]
        )


def _check_times(criteria: Filter) -> None:
    if criteria.start is not None and criteria.end is not None and criteria.start > criteria.end:
        raise invalid_field("start_at", FieldErrorCode.CONFLICT, "is later than end_at; give an earlier time")


def _check_action(criteria: Filter, action: str | None) -> None:
    if not action:
        return
    if action.lower() != "delete":
        raise invalid_field("action", FieldErrorCode.UNKNOWN_VALUE, f"unknown action {shortened(action)!r}", ["delete"])
    if criteria.start is None and criteria.end is None:
        message = "a deletion requires start_at, end_at, or both"
        raise invalid_field("start_at", FieldErrorCode.REQUIRED, message)


def _check_order(wanted: TaskFilters, criteria: Filter) -> None:
    if wanted.sort is Sort.FINISHED and criteria.prompt_words:
        message = "does not go together with sort=finished; use newest or oldest"
        raise invalid_field("prompt", FieldErrorCode.CONFLICT, message, [Sort.NEWEST.value, Sort.OLDEST.value])
    if criteria.finished_before is not None and wanted.sort is not Sort.FINISHED:
        message = "needs sort=finished; add it, or use end_at, the time of queueing"
        raise invalid_field("finished_before", FieldErrorCode.CONFLICT, message)


def _check_limits(wanted: TaskQuery) -> None:
    """Refuse parameters that look like limits of a deletion but are not.

    Raises:
        InvalidFields: the request asks for a page, or for a list of tasks that have not ended.
    """
    errors = []
    if wanted.query not in (Lists.ALL, Lists.HISTORY):
        message = "does not limit a deletion, which covers only ended tasks; use status, or omit it"
        errors.append(
            FieldError(
                field="query",
                code=FieldErrorCode.NO_EFFECT,
                message=message,
                allowed=[Lists.ALL.value, Lists.HISTORY.value],
            )
        )
    if wanted.finished_before:
        message = "does not limit a deletion; use end_at, the time of queueing, or omit it"
        errors.append(FieldError(field="finished_before", code=FieldErrorCode.NO_EFFECT, message=message))
    for field, value, default in (("page", wanted.page, 0), ("page_size", wanted.page_size, PAGE_SIZE)):
        if value != default:
            message = "does not limit a deletion, which has no pages; use the filters, and omit it"
            errors.append(FieldError(field=field, code=FieldErrorCode.NO_EFFECT, message=message))
    if errors:
        raise InvalidFields(errors)
