"""Number of tasks of each status queued on each day. It makes totals fast, and pages far down a long list.

Counting a million rows, or skipping them to reach the last page, takes longer than showing the page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from peewee import EXCLUDED, SQL, ModelSelect, fn

from ..tables import TallyRow, TaskRow, shard
from .filters import Filter, matching, of_statuses
from .prepared import PreparedStatement, param

DAY_MS = 24 * 3600 * 1000
"""Milliseconds. Days begin at midnight UTC."""

_ADD = PreparedStatement(
    lambda: TallyRow.insert(
        status=param("status"), day=param("day"), shard=param("shard"), number=param("difference")
    ).on_conflict(
        conflict_target=[TallyRow.status, TallyRow.day, TallyRow.shard],
        update={TallyRow.number: TallyRow.number + EXCLUDED.number},
    )
)


_MOVE = PreparedStatement(
    lambda: TallyRow.insert_many(
        [
            {"status": param("before"), "day": param("day"), "shard": param("shard"), "number": param("less")},
            {"status": param("after"), "day": param("day"), "shard": param("shard"), "number": param("more")},
        ]
    ).on_conflict(
        conflict_target=[TallyRow.status, TallyRow.day, TallyRow.shard],
        update={TallyRow.number: TallyRow.number + EXCLUDED.number},
    )
)


def add(status: str, queued_at: int, difference: int) -> None:
    """Add `difference` to the number of tasks of that status that were queued on the day of `queued_at`."""
    _ADD.run(status=status, day=queued_at // DAY_MS, shard=shard.number, difference=difference)


def move(before: str, after: str, queued_at: int) -> None:
    """Count a task of that day with another status, in one statement."""
    _MOVE.run(before=before, after=after, day=queued_at // DAY_MS, shard=shard.number, less=-1, more=1)


def recount() -> None:
    """Rebuild the counts from the tasks."""
    TallyRow.delete().execute()
    counted = TaskRow.select(TaskRow.status, TaskRow.queued_at / DAY_MS, SQL("0"), fn.COUNT(SQL("1"))).group_by(
        SQL("1"), SQL("2")
    )
    TallyRow.insert_from(counted, [TallyRow.status, TallyRow.day, TallyRow.shard, TallyRow.number]).execute()


def compact(before_day: int) -> int:
    """Move the counts of the days before this one, in days since 1970 in UTC, from all other shards to shard 0, which only one
    process of a cluster may change. Return the number of rows that are gone. On PostgreSQL."""
    old = TallyRow.delete().where((TallyRow.shard != 0) & (TallyRow.day < before_day))
    moved = [*old.returning(TallyRow.status, TallyRow.day, TallyRow.number).tuples().execute()]
    totals: Counter[tuple[str, int]] = Counter()
    for status, day, number in moved:
        totals[status, day] += number
    for (status, day), number in sorted(totals.items()):
        _ADD.run(status=status, day=day, shard=0, difference=number)
    return len(moved)


def supports(criteria: Filter) -> bool:
    """Return whether the counts can answer this filter: one by status and time only."""
    return not (
        criteria.sources
        or criteria.model
        or criteria.prompt_words
        or criteria.tags
        or criteria.finished_before is not None
    )


def count(criteria: Filter, most: int) -> tuple[int, bool]:
    """Return the number of tasks that the filter finds, and whether there may be more. Whole days are known; of a part of a day
    at most `most` rows are counted."""
    parts = [_counted(part, most + 1) for part in _parts_of_days(criteria) if part is not None]
    return _whole_days(criteria) + sum(min(number, most) for number in parts), any(number > most for number in parts)


def seek(criteria: Filter, offset: int, *, newest_first: bool) -> tuple[Filter, int]:
    """Return a filter that begins on the day on which the page at `offset` begins, and the offset within it."""
    near, far = _parts_of_days(criteria)[:: -1 if newest_first else 1]
    if near is not None:
        number = _counted(near, offset + 1)
        if number > offset:
            return criteria, offset
        offset -= number
    found = _day_at(criteria, offset, newest_first)
    if found is not None:
        day, before = found
        first = {"end": (day + 1) * DAY_MS - 1} if newest_first else {"start": day * DAY_MS}
        return replace(criteria, **first), offset - before
    offset -= _whole_days(criteria)
    return (far or replace(criteria, start=0, end=-1)), offset


def _parts_of_days(criteria: Filter) -> tuple[Filter | None, Filter | None]:
    """Return the parts of the filter outside its whole days, at its older and at its newer end."""
    start, end = criteria.start, criteria.end
    first, last = _first_and_last(criteria)
    if first is not None and last is not None and first > last + 1:
        return None, criteria  # all on one day
    older = newer = None
    if first is not None and start is not None and start < first * DAY_MS:
        older = replace(criteria, end=first * DAY_MS - 1)
    if last is not None and end is not None and end >= (last + 1) * DAY_MS:
        newer = replace(criteria, start=(last + 1) * DAY_MS)
    return older, newer


def _first_and_last(criteria: Filter) -> tuple[int | None, int | None]:
    """Return the first and the last whole day in a filter's time; the first is after the last if there is none."""
    first = None if criteria.start is None else -(-criteria.start // DAY_MS)
    last = None if criteria.end is None else (criteria.end + 1) // DAY_MS - 1
    return first, last


def _whole_days(criteria: Filter) -> int:
    return int(_of(TallyRow.select(fn.COALESCE(fn.SUM(TallyRow.number), 0)), criteria).scalar())


def _day_at(criteria: Filter, offset: int, newest_first: bool) -> tuple[int, int] | None:
    """Return the whole day that contains the row at `offset`, and the number of rows before that day."""
    order = TallyRow.day.desc() if newest_first else TallyRow.day.asc()
    number = fn.SUM(TallyRow.number)
    so_far = fn.SUM(number).over(order_by=[order])
    days = _of(TallyRow.select(TallyRow.day, number.alias("number"), so_far.alias("so_far")), criteria)
    days = days.group_by(TallyRow.day).alias("days")
    found = TallyRow.select(days.c.day, days.c.so_far - days.c.number).from_(days).where(days.c.so_far > offset)
    row = found.order_by(days.c.so_far).limit(1).tuples().first()
    return None if row is None else (int(row[0]), int(row[1]))


def _of(query: ModelSelect, criteria: Filter) -> ModelSelect:
    """Return the query limited to the filter's whole days and statuses."""
    first, last = _first_and_last(criteria)
    conditions = of_statuses(criteria, TallyRow.status)
    conditions += [] if first is None else [TallyRow.day >= first]
    conditions += [] if last is None else [TallyRow.day <= last]
    for condition in conditions:
        query = query.where(condition)
    return query


def _counted(criteria: Filter, most: int) -> int:
    return int(matching(TaskRow.select(TaskRow.id), criteria).limit(most).count())
