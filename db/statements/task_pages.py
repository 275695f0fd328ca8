"""Pages of tasks. A page of a million tasks takes no longer than one of a thousand in the order of
queueing if the filter is by time and status only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from peewee import JOIN, SQL, Expression, Field, ModelSelect

from ..tables import ImageRow, ParametersRow, TagRow, TaskRow
from . import daily_counts
from .filters import Filter as Filter
from .filters import ids_in, matching
from .prepared import PreparedStatement, param
from .word_search import word_search

MAX_COUNT = 10_000
"""Maximum number of rows that are counted one by one."""
MAX_OFFSET_SCAN = 20_000
"""Maximum number of rows to skip; beyond it the daily counts find the day on which a page begins."""


def page(criteria: Filter, offset: int, limit: int, *, newest_first: bool = True) -> list[int]:
    """Return the row ids of a page."""
    search = word_search(criteria, offset + limit)
    if search is not None:
        return search.page(offset, limit, newest_first=newest_first)
    return _page(criteria, offset, limit, newest_first=newest_first)


def count(criteria: Filter) -> tuple[int, bool]:
    """Return the number of tasks that the filter finds, and whether there may be more."""
    search = word_search(criteria, 0)
    return search.count(MAX_COUNT) if search is not None else _count(criteria)


def page_and_count(
    criteria: Filter, offset: int, limit: int, *, newest_first: bool = True
) -> tuple[list[int], tuple[int, bool]]:
    """Return `page` and `count`, reading as few rows as possible."""
    search = word_search(criteria, offset + limit)
    if search is not None:
        ids = search.page(offset, limit, newest_first=newest_first)
        number, may_be_more = search.count(MAX_COUNT)
        if may_be_more and ids:
            number = max(number, min(offset + len(ids), MAX_COUNT))
        return ids, (number, may_be_more)
    if offset > MAX_OFFSET_SCAN and daily_counts.supports(criteria):
        total, capped = _count(criteria)
        left = total - offset
        if not capped and left <= MAX_OFFSET_SCAN:  # closer to the other end
            ids = (
                _page(criteria, max(left - limit, 0), min(limit, left), newest_first=not newest_first)
                if left > 0
                else []
            )
            return ids[::-1], (total, capped)
    ids = _page(criteria, offset, limit, newest_first=newest_first)
    if len(ids) < limit and (ids or offset == 0):  # the last page: a search has already read every row
        return ids, (offset + len(ids), False)
    return ids, _count(criteria)


def finished_page_and_count(criteria: Filter, offset: int, limit: int) -> tuple[list[int], tuple[int, bool]]:
    """Return the row ids of a page in the order of the ends, the latest first, and the `count`. The filter has no words."""
    order = (TaskRow.finished_at.desc(), TaskRow.id.desc())
    query = _matching(TaskRow.id, criteria).order_by(*order).limit(limit).offset(offset)
    return [row_id for (row_id,) in query.tuples()], _count(criteria)


def _page(criteria: Filter, offset: int, limit: int, *, newest_first: bool) -> list[int]:
    if offset > MAX_OFFSET_SCAN and daily_counts.supports(criteria):
        criteria, offset = daily_counts.seek(criteria, offset, newest_first=newest_first)
    keys = (TagRow.queued_at, TagRow.task) if criteria.tags else (TaskRow.queued_at, TaskRow.id)
    query = _matching(TaskRow.id, criteria).order_by(*(key.desc() if newest_first else key.asc() for key in keys))
    return [row_id for (row_id,) in query.limit(limit).offset(offset).tuples()]


def _count(criteria: Filter) -> tuple[int, bool]:
    if daily_counts.supports(criteria):
        return daily_counts.count(criteria, MAX_COUNT)
    found = int(_matching(TaskRow.id, criteria).limit(MAX_COUNT + 1).count())
    return min(found, MAX_COUNT), found > MAX_COUNT


def _matching(column: Field, criteria: Filter) -> ModelSelect:
    """Return the query of the filter's tasks; that of a tag begins at the index of tags."""
    query = TaskRow.select(column)
    if not criteria.tags:
        return matching(query, criteria)
    first, *others = criteria.tags
    tagged = query.join(TagRow, on=(TagRow.task == TaskRow.id)).where(TagRow.tag == first)
    return matching(tagged, replace(criteria, tags=tuple(others)))


def rows(ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return these tasks with their parameters and images, in this order; deleted ones are left out."""
    found = _whole(ids_in("id", ids)) if ids else {}
    return [found[row_id] for row_id in ids if row_id in found]


def one(column: str, value: str) -> dict[str, Any] | None:
    """Return the task with this `task_id` or `idempotency_key`, with its parameters and images, or None."""
    if "\0" in value:  # PostgreSQL has no such text, and would refuse the query
        return None
    found = _ONE[column].run(value=value).fetchone()
    if found is None:
        return None
    row = dict(zip(_COLUMNS, found, strict=True))
    images = [dict(zip(_OF_AN_IMAGE, image, strict=True)) for image in _IMAGES.run(task=row["id"])]
    return {**row, "images": [{**image, "kept": bool(image["kept"])} for image in images]}


def _with_parameters(condition: Expression) -> ModelSelect[TaskRow]:
    return (
        TaskRow.select(TaskRow, ParametersRow.parameters, ParametersRow.downloads)
        .join(ParametersRow, JOIN.LEFT_OUTER)
        .where(condition)
    )


_ONE = {
    column.name: PreparedStatement(lambda column=column: _with_parameters(column == param("value")))
    for column in (TaskRow.task_id, TaskRow.idempotency_key)
}
_COLUMNS = (*TaskRow._meta.sorted_field_names, "parameters", "downloads")
_OF_AN_IMAGE = tuple(name for name in ImageRow._meta.sorted_field_names if name not in ("task", "position"))
_IMAGES = PreparedStatement(
    lambda: (
        ImageRow.select(*(getattr(ImageRow, name) for name in _OF_AN_IMAGE))
        .where(ImageRow.task == param("task"))
        .order_by(ImageRow.position)
    )
)


def _whole(condition: SQL) -> dict[int, dict[str, Any]]:
    query = _with_parameters(condition).dicts()
    found: dict[int, dict[str, Any]] = {row["id"]: {**row, "images": []} for row in query}
    if found:
        images = ImageRow.select().where(ids_in("task_id", list(found))).order_by(ImageRow.task, ImageRow.position)
        for image in images.dicts():
            del image["position"]
            found[image.pop("task")]["images"].append(image)
    return found
