"""Numbers of tasks by day, also by the days of another time zone than UTC."""

from __future__ import annotations

from collections.abc import Sequence

from peewee import SQL, Field, fn

from ...tables import TallyRow, TaskRow
from .. import daily_counts
from ..daily_counts import DAY_MS
from ..filters import Filter, ids_in, matching, of_statuses
from .newest import in_parts, newest_ids

MAX_COVERED = 1_000_000
"""Rows that are counted by an index that has all that the count needs."""
MAX_SCANNED = 100_000
"""Rows that are counted by reading each of them."""


def by_day(criteria: Filter, offset_ms: int, *, by_end: bool) -> tuple[list[tuple[int, int]], bool]:
    """Return (day, number) of the tasks that the filter finds, the newest day first, and whether only the newest were counted.

    Days are numbered from 1970-01-01, and begin `offset_ms` before midnight UTC. They are those of the queueing or, `by_end`,
    of the end.
    """
    column = TaskRow.finished_at if by_end else TaskRow.queued_at
    if criteria.prompt_words:
        ids, capped = newest_ids(criteria)
        return _added(_of_rows(column, ids, offset_ms)), capped
    if not by_end and offset_ms == 0 and daily_counts.supports(criteria) and not (criteria.start or criteria.end):
        conditions = of_statuses(criteria, TallyRow.status)
        tally = TallyRow.select(TallyRow.day, fn.SUM(TallyRow.number)).where(*conditions).group_by(TallyRow.day)
        return _added([[(int(day), int(number)) for day, number in tally.tuples()]]), False
    covered = not criteria.tags and sum(map(bool, (criteria.sources, criteria.model))) < 2
    if by_end:
        covered = not (criteria.tags or criteria.sources or criteria.model or criteria.start or criteria.end)
    most = MAX_COVERED if covered else MAX_SCANNED
    newest = matching(TaskRow.select(column.alias("at")), criteria).order_by(column.desc()).limit(most).alias("newest")
    day = ((newest.c.at + offset_ms) / DAY_MS).alias("day")
    counted = TaskRow.select(day, fn.COUNT(SQL("1"))).from_(newest).group_by(SQL("1"))
    days = [(int(number), int(tasks)) for number, tasks in counted.tuples()]
    return _added([days]), sum(tasks for _, tasks in days) >= most


def _of_rows(column: Field, ids: Sequence[int], offset_ms: int) -> list[list[tuple[int, int]]]:
    found = []
    for part in in_parts(ids):
        day = (column + offset_ms) / DAY_MS
        counted = TaskRow.select(day, fn.COUNT(SQL("1"))).where(ids_in("id", part)).group_by(SQL("1"))
        found.append([(int(number), int(tasks)) for number, tasks in counted.tuples()])
    return found


def _added(parts: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Return the sums by day, the newest first."""
    days: dict[int, int] = {}
    for part in parts:
        for day, number in part:
            days[day] = days.get(day, 0) + number
    return sorted(((day, number) for day, number in days.items() if number > 0), reverse=True)
