"""Filter of tasks, and its conditions in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from peewee import Expression, ModelSelect

from ..models import TaskRow


@dataclass(frozen=True)
class Filter:
    """Conditions that a task must all meet; members that are not set match every task.

    `excluded` are statuses that a task must not have; `start` and `end` are milliseconds since 1970, both included, for the time
    it was queued; its prompt must contain all `words`.
    """

    statuses: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    sources: tuple[str, ...] = ()
    model: str | None = None
    words: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """The model's name with each folder separator: records keep the one of the system they come from."""
        if not self.model:
            return ()
        return tuple(dict.fromkeys((self.model, self.model.replace("\\", "/"), self.model.replace("/", "\\"))))


def matching(query: ModelSelect, chosen: Filter) -> ModelSelect:
    """Return the query with the filter's conditions."""
    conditions = of_statuses(chosen, TaskRow.status)
    if chosen.start is not None:
        conditions.append(TaskRow.queued_at >= chosen.start)
    if chosen.end is not None:
        conditions.append(TaskRow.queued_at <= chosen.end)
    if chosen.sources:
        conditions.append(_one_of(TaskRow.source, chosen.sources))
    if chosen.model:
        conditions.append(_one_of(TaskRow.model, chosen.models))
    conditions.extend(TaskRow.words.contains(word.casefold()) for word in chosen.words)
    return query.where(reduce(and_, conditions)) if conditions else query


def of_statuses(chosen: Filter, column: Any) -> list[Expression]:
    """Return the filter's conditions for a column of statuses."""
    conditions = []
    if chosen.statuses:
        conditions.append(_one_of(column, chosen.statuses))
    if chosen.excluded:
        conditions.append(column.not_in(list(chosen.excluded)))
    return conditions


def _one_of(column: Any, values: tuple[str, ...]) -> Expression:
    return column == values[0] if len(values) == 1 else column.in_(list(values))
