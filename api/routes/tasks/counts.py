"""`/tasks/days` and `/tasks/facets`: numbers of ended tasks, for a calendar and for menus of filters."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ....tasks.history.queries import MAX_FILTERED
from ...context import ApiContext
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses
from ...security.authorization import access_of, require_scope
from .query import TaskFilters

MINUTE_MS = 60_000
MAX_OFFSET = 14 * 60
"""Minutes from UTC: no time zone is further."""
MAX_VALUES = 200
DAYS_SINCE_1970 = date(1970, 1, 1)


class DayQuery(TaskFilters):
    """The query parameters of `GET /tasks/days`."""

    utc_offset: int = Field(
        default=0,
        ge=-MAX_OFFSET,
        le=MAX_OFFSET,
        description="Minutes by which the days' time zone is ahead of UTC.",
    )


class DayCount(BaseModel):
    """One day."""

    day: date = Field(description="The day, as in 2026-01-31.")
    tasks: int = Field(description="The number of tasks.")


class DayCounts(BaseModel):
    """The days with tasks."""

    days: list[DayCount] = Field(description="The days that have tasks, the newest first.")
    total: int = Field(description="The number of tasks on all of them.")
    capped: bool = Field(description="True if there may be more tasks, and only the newest were counted.")


class ValueCount(BaseModel):
    """One value of a filter."""

    value: str = Field(description="The value, for the filter.")
    tasks: int = Field(description="The number of tasks with it.")


class Facets(BaseModel):
    """The values of the filters of `GET /tasks`, the most frequent first."""

    statuses: list[ValueCount] = Field(description="For `status`.")
    sources: list[ValueCount] = Field(description=f"For `source`, at most {MAX_VALUES}.")
    models: list[ValueCount] = Field(description=f"For `model`, at most {MAX_VALUES}.")
    tags: list[ValueCount] = Field(description=f"For `tag`, at most {MAX_VALUES}.")
    total: int = Field(description="The number of tasks that were counted.")
    capped: bool = Field(
        description="True if there may be more tasks, and only the newest were counted: those of a filter, or of a key without "
        f"`read-all`, up to {MAX_FILTERED:,}."
    )


router = APIRouter(tags=["tasks"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ)])


@router.get("/tasks/days", summary="Count tasks by day", response_model=DayCounts, responses=responses(401, 422, 503))
async def get_days(context: ApiContext, request: Request, wanted: Annotated[DayQuery, Query()]) -> Any:
    """Return the number of ended tasks on each day, by the time of queueing or, with `sort=finished`, of the end. The filters
    are those of `GET /tasks`, so that the counts are those of its list."""
    criteria = wanted.criteria(access_of(request))
    days, capped = await context.services.history.days(criteria, wanted.utc_offset * MINUTE_MS, wanted.order)
    counts = [DayCount(day=DAYS_SINCE_1970 + timedelta(days=day), tasks=number) for day, number in days]
    return DayCounts(days=counts, total=sum(number for _, number in days), capped=capped)


@router.get("/tasks/facets", summary="Count tasks by filter", response_model=Facets, responses=responses(401, 422, 503))
async def get_facets(context: ApiContext, request: Request, wanted: Annotated[TaskFilters, Query()]) -> Any:
    """Return the statuses, sources, models and tags of ended tasks with the number of tasks of each, after the same filters as
    those of `GET /tasks`. A key without `read-all` counts its own tasks."""
    criteria = wanted.criteria(access_of(request))
    found, total, capped = await context.services.history.values(criteria, MAX_VALUES)
    lists = {
        name: [ValueCount(value=value, tasks=number) for value, number in counts] for name, counts in found.items()
    }
    return Facets(**lists, total=total, capped=capped)
