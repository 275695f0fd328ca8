"""Numbers of tasks by status, source, model and tag."""

from __future__ import annotations

from typing import Any

from peewee import SQL, Field, fn

from ...tables import TagRow, TaskRow
from .. import task_pages
from ..filters import Filter, ids_in, matching
from .newest import in_parts, newest_ids


def by_value(criteria: Filter, most: int) -> tuple[dict[str, list[tuple[str, int]]], int, bool]:
    """Return the number of ended tasks of each status, source, model and tag, the most frequent `most` of each; the number of
    tasks; and whether only the newest were counted, as for a filter of more than statuses that are left out."""
    if criteria == Filter(exclude_statuses=criteria.exclude_statuses):
        found = {
            "statuses": _grouped(TaskRow.status, criteria, most),
            "sources": _grouped(TaskRow.source, criteria, most),
            "models": _grouped(TaskRow.model, criteria, most),
            "tags": _ranked(_tags_without(criteria.exclude_statuses), most),
        }
        total, capped = task_pages.count(criteria)
        return found, total, capped
    ids, capped = newest_ids(criteria)
    values: dict[str, dict[str, int]] = {name: {} for name in ("statuses", "sources", "models", "tags")}
    for part in in_parts(ids):
        columns = (TaskRow.status, TaskRow.source, TaskRow.model)
        together = TaskRow.select(*columns, fn.COUNT(SQL("1"))).where(ids_in("id", part)).group_by(*columns)
        for status, source, model, number in together.tuples():
            for name, value in (("statuses", status), ("sources", source), ("models", model)):
                values[name][value] = values[name].get(value, 0) + int(number)
        tags = TagRow.select(TagRow.tag, fn.COUNT(SQL("1"))).where(ids_in("task_id", part)).group_by(TagRow.tag)
        for tag, number in tags.tuples():
            values["tags"][tag] = values["tags"].get(tag, 0) + int(number)
    return {name: _ranked(numbers.items(), most) for name, numbers in values.items()}, len(ids), capped


def _tags_without(statuses: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return the number of tasks of each tag, without those with these statuses, which must be few, as those that wait are."""
    query = TagRow.select(TagRow.tag, fn.COUNT(SQL("1"))).group_by(TagRow.tag)
    numbers: dict[str, int] = dict(query.tuples())
    if statuses:
        left_out = query.join(TaskRow, on=TaskRow.id == TagRow.task_id).where(TaskRow.status.in_(statuses))
        for tag, number in left_out.tuples():
            numbers[tag] -= number
    return [(tag, number) for tag, number in numbers.items() if number]


def _grouped(column: Field, criteria: Filter, most: int) -> list[tuple[str, int]]:
    query = matching(TaskRow.select(column, fn.COUNT(SQL("1"))), criteria).group_by(column)
    return _ranked(query.tuples(), most)


def _ranked(found: Any, most: int) -> list[tuple[str, int]]:
    """Return the most frequent values, without the empty one, which stands for none."""
    numbers = [(str(value), int(number)) for value, number in found if value]
    return sorted(numbers, key=lambda each: (-each[1], each[0]))[:most]
