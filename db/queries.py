"""Which page of the tasks asked for: any of a million takes no longer than one of a thousand, as long as time and status
alone are asked for. Called by the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peewee import JOIN, Expression, ModelSelect

from . import tally
from .filters import Filter as Filter
from .filters import matching
from .models import ImageRow, ParametersRow, TaskRow
from .statement import Statement, slot

COUNTED = 10_000
"""Rows are counted one by one up to here."""
NEAR = 20_000
"""Rows that are passed over sooner than it is found out which day a page begins on."""


def page(chosen: Filter, offset: int, limit: int, *, newest_first: bool = True) -> list[int]:
    """The row ids of a page."""
    if offset > NEAR and tally.knows(chosen):
        chosen, offset = tally.seek(chosen, offset, newest_first=newest_first)
    keys = (TaskRow.queued_at, TaskRow.id)
    query = TaskRow.select(TaskRow.id).order_by(*(key.desc() if newest_first else key.asc() for key in keys))
    return [row_id for (row_id,) in matching(query, chosen).limit(limit).offset(offset).tuples()]


def count(chosen: Filter) -> tuple[int, bool]:
    """How many there are, and whether there may be more than that."""
    if tally.knows(chosen):
        return tally.count(chosen, COUNTED)
    found = int(matching(TaskRow.select(TaskRow.id), chosen).limit(COUNTED + 1).count())
    return min(found, COUNTED), found > COUNTED


def page_and_count(
    chosen: Filter, offset: int, limit: int, *, newest_first: bool = True
) -> tuple[list[int], tuple[int, bool]]:
    """Both, with as little looking as will do."""
    if offset > NEAR and tally.knows(chosen):
        total, capped = count(chosen)
        left = total - offset
        if not capped and left <= NEAR:  # nearer from the other end
            ids = (
                page(chosen, max(left - limit, 0), min(limit, left), newest_first=not newest_first) if left > 0 else []
            )
            return ids[::-1], (total, capped)
    ids = page(chosen, offset, limit, newest_first=newest_first)
    if len(ids) < limit and (ids or offset == 0):  # it is the last: a search has read every row and needn't do so again
        return ids, (offset + len(ids), False)
    return ids, count(chosen)


def rows(ids: Sequence[int]) -> list[dict[str, Any]]:
    """These tasks with all that belongs to them, in this order; those that are gone are left out."""
    found = _whole(TaskRow.id.in_(list(ids))) if ids else {}
    return [found[row_id] for row_id in ids if row_id in found]


def one(column: str, value: str) -> dict[str, Any] | None:
    """The task that has this `task_id` or `idempotency_key`, with all that belongs to it; None when there is none."""
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
    column.name: Statement(lambda column=column: _with_parameters(column == slot("value")))
    for column in (TaskRow.task_id, TaskRow.idempotency_key)
}
_COLUMNS = (*TaskRow._meta.sorted_field_names, "parameters", "downloads")
_OF_AN_IMAGE = tuple(name for name in ImageRow._meta.sorted_field_names if name not in ("task", "position"))
_IMAGES = Statement(
    lambda: (
        ImageRow.select(*(getattr(ImageRow, name) for name in _OF_AN_IMAGE))
        .where(ImageRow.task == slot("task"))
        .order_by(ImageRow.position)
    )
)


def _whole(condition: Expression) -> dict[int, dict[str, Any]]:
    query = _with_parameters(condition).dicts()
    found: dict[int, dict[str, Any]] = {row["id"]: {**row, "images": []} for row in query}
    if found:
        images = ImageRow.select().where(ImageRow.task.in_(list(found))).order_by(ImageRow.task, ImageRow.position)
        for image in images.dicts():
            del image["position"]
            found[image.pop("task")]["images"].append(image)
    return found
