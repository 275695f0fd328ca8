"""Which tasks, and which page of them. The newest and the oldest pages of a million take no longer than those of a thousand.

Called by the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from peewee import JOIN, Expression, ModelSelect, fn

from .models import ImageRow, ParametersRow, TallyRow, TaskRow

COUNTED = 10_000
"""Filtered lists are counted up to here."""


@dataclass(frozen=True)
class Filter:
    """Which tasks: all that every given member holds for.

    `excluded` are statuses they must not have; `start` and `end` are milliseconds since 1970, both included, for the time
    a task was queued; `words` must all be in the prompt.
    """

    statuses: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    sources: tuple[str, ...] = ()
    model: str | None = None
    words: tuple[str, ...] = ()

    @property
    def by_status_only(self) -> bool:
        return not (self.start is not None or self.end is not None or self.sources or self.model or self.words)


def page(chosen: Filter, offset: int, limit: int, *, newest_first: bool = True) -> list[int]:
    """The row ids of a page."""
    total = None
    if chosen.by_status_only:
        total, _ = count(chosen)
        if offset >= total:
            return []
    # Far pages are nearer from the other end.
    reverse = total is not None and offset > total // 2
    if reverse and total is not None:
        limit = min(limit, total - offset)
        offset = total - offset - limit
    order = (TaskRow.queued_at, TaskRow.id)
    descending = newest_first is not reverse
    query = TaskRow.select(TaskRow.id).order_by(*(key.desc() if descending else key.asc() for key in order))
    ids = [row_id for (row_id,) in _where(query, chosen).limit(limit).offset(offset).tuples()]
    return ids[::-1] if reverse else ids


def count(chosen: Filter) -> tuple[int, bool]:
    """How many there are, and whether there may be more than that."""
    if chosen.by_status_only:
        tally = TallyRow.select(fn.COALESCE(fn.SUM(TallyRow.number), 0))
        for condition in _statuses(chosen, TallyRow.status):
            tally = tally.where(condition)
        return int(tally.scalar()), False
    query = _where(TaskRow.select(TaskRow.queued_at), chosen).limit(COUNTED + 1)
    found = int(query.count())
    return min(found, COUNTED), found > COUNTED


def rows(ids: Sequence[int]) -> list[dict[str, Any]]:
    """These tasks with all that belongs to them, in this order; those that are gone are left out."""
    if not ids:
        return []
    found: dict[int, dict[str, Any]] = {}
    query = (
        TaskRow.select(TaskRow, ParametersRow.parameters, ParametersRow.downloads)
        .join(ParametersRow, JOIN.LEFT_OUTER)
        .where(TaskRow.id.in_(list(ids)))
    )
    for row in query.dicts():
        found[row["id"]] = {**row, "images": []}
    for image in (
        ImageRow.select().where(ImageRow.task.in_(list(ids))).order_by(ImageRow.task, ImageRow.position).dicts()
    ):
        if (owner := found.get(image.pop("task"))) is not None:
            del image["position"]
            owner["images"].append(image)
    return [found[row_id] for row_id in ids if row_id in found]


def _where(query: ModelSelect, chosen: Filter) -> ModelSelect:
    conditions: list[Expression] = _statuses(chosen, TaskRow.status)
    if chosen.start is not None:
        conditions.append(TaskRow.queued_at >= chosen.start)
    if chosen.end is not None:
        conditions.append(TaskRow.queued_at <= chosen.end)
    if chosen.sources:
        conditions.append(_one_of(TaskRow.source, chosen.sources))
    if chosen.model:
        conditions.append(TaskRow.model == chosen.model)
    conditions.extend(TaskRow.words.contains(word.casefold()) for word in chosen.words)
    return query.where(reduce(and_, conditions)) if conditions else query


def _statuses(chosen: Filter, column: Any) -> list[Expression]:
    conditions = []
    if chosen.statuses:
        conditions.append(_one_of(column, chosen.statuses))
    if chosen.excluded:
        conditions.append(column.not_in(list(chosen.excluded)))
    return conditions


def _one_of(column: Any, values: tuple[str, ...]) -> Expression:
    return column == values[0] if len(values) == 1 else column.in_(list(values))
