"""The newest tasks that a filter finds, of which the counts of a filter are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import task_pages
from ..filters import Filter

MAX_FILTERED = 10_000
"""Rows whose values are counted for a filter."""
IDS_IN_A_STATEMENT = 2_000
"""Row ids in one statement."""


def newest_ids(criteria: Filter) -> tuple[list[int], bool]:
    """Return the row ids of the newest tasks that the filter finds, and whether there are more."""
    by_end = criteria.finished_before is not None
    if by_end:
        ids, _ = task_pages.finished_page_and_count(criteria, 0, MAX_FILTERED + 1)
    else:
        ids = task_pages.page(criteria, 0, MAX_FILTERED + 1)
    return ids[:MAX_FILTERED], len(ids) > MAX_FILTERED


def in_parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the ids in parts for one statement each."""
    for start in range(0, len(ids), IDS_IN_A_STATEMENT):
        yield ids[start : start + IDS_IN_A_STATEMENT]
