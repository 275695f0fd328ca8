"""Search for words with the index: which rows a chunk's sets find, and which must be read, is known before any row is.

Chunks are visited in the order of the list, until no later one can have a row of the page. Rows that are in no chunk yet are
read one by one.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from peewee import SQL, Expression

from ..search.candidates import Candidates
from ..search.keys import searched
from ..search.row_sets import CHUNK
from ..tables import TaskRow
from . import search_sets
from .filters import Filter, matching

ROWS_AT_ONCE = 2_000
"""Rows that are read by their ids in one statement."""
FEW_AT_ONCE = 200
"""Candidates of a chunk up to which they are read together, although a page may need fewer."""
FEW_ROWS = CHUNK // 4
"""Candidates of a chunk up to which they are read one by one. More are found faster by reading the whole chunk."""
MAX_TO_FILTER = 20_000
"""Candidates of which the filter's other conditions are checked row by row. More are found faster by those conditions."""
MAX_TO_COUNT = 500
"""Candidates that a count reads, beyond which it stops."""
MAX_ACTIVE = 10_000
"""Tasks with an excluded status that are removed from the sets, before the rows are read instead."""
MAX_TO_SORT = 20_000
"""Rows before the end of a page, beyond which a list is read in its order instead."""
SMALL_REST = 3 * CHUNK
"""Rows without an index that are all read. Of more, the database reads as many as it needs."""


class Found(NamedTuple):
    """A row that the search found, in the order of the lists."""

    queued_at: int
    row_id: int


class WordSearch:
    """One search for words. Its parts are computed when they are needed, once."""

    def __init__(self, criteria: Filter, words: list[str], chunks: list[search_sets.Chunk]) -> None:
        self._criteria = criteria
        self._words_only = Filter(prompt_words=criteria.prompt_words, tags=criteria.tags)
        self._end = (chunks[-1].number + 1) * CHUNK
        self._chunks = [chunk for chunk in chunks if self._may_have(chunk)]
        numbers = [chunk.number for chunk in self._chunks]
        self._candidates = Candidates(numbers, [chunk.is_indexed for chunk in self._chunks], search_sets.sets)
        self._candidates.keep_with(words)
        self._has_conditions = (
            bool(criteria.statuses or criteria.sources or criteria.model or criteria.tags) or not self._keep_existing()
        )
        self._sizes = self._candidates.sizes()
        self._read: dict[int, list[Found]] = {}

    @property
    def is_faster(self) -> bool:
        """True if the search reads fewer rows than one by the filter's other conditions."""
        return not self._has_conditions or sum(self._sizes) <= MAX_TO_FILTER

    def page(self, offset: int, limit: int, *, newest_first: bool) -> list[int]:
        """Return the row ids of a page."""
        if not limit:
            return []
        wanted = offset + limit
        if sum(self._sizes) <= ROWS_AT_ONCE:
            self._read_together(range(len(self._chunks)))
        found = sorted(self._rest(wanted, newest_first=newest_first), reverse=newest_first)[:wanted]
        key = _negative if newest_first else _itself
        for place, bound in self._in_order(newest_first=newest_first):
            if len(found) >= wanted and key(found[-1])[0] < key(Found(bound, 0))[0]:
                break
            for row in self._of_chunk(place, wanted, newest_first=newest_first):
                insort(found, row, key=key)
            del found[wanted:]
        return [row.row_id for row in found[offset:wanted]]

    def count(self, most: int) -> tuple[int, bool]:
        """Return the number of rows found so far, at most `most`, and whether there may be more."""
        places = range(len(self._chunks))
        number = self._rest_size(most + 1) + sum(self._sizes[place] for place in places if self._is_known(place))
        unknown = [place for place in places if not self._is_known(place)]
        number += sum(len(self._read[place]) for place in unknown if place in self._read)
        rest = sorted((place for place in unknown if place not in self._read), key=lambda place: -self._sizes[place])
        reads = 0
        while rest and number <= most:
            if reads >= MAX_TO_COUNT and sum(self._sizes[place] for place in rest):
                return number, True
            size, together = 0, []
            while rest and size < MAX_TO_COUNT:
                together.append(rest.pop(0))
                size += self._sizes[together[-1]]
            self._read_together(together)
            number += sum(len(self._all_of(place)) for place in together)
            reads += size
        return min(number, most), number > most

    # ------------------------------------------------------------- chunks

    def _may_have(self, chunk: search_sets.Chunk) -> bool:
        start, end = self._criteria.start, self._criteria.end
        return (start is None or chunk.last_queued_at >= start) and (end is None or chunk.first_queued_at <= end)

    def _is_inside(self, chunk: search_sets.Chunk) -> bool:
        start, end = self._criteria.start, self._criteria.end
        return (start is None or chunk.first_queued_at >= start) and (end is None or chunk.last_queued_at <= end)

    def _is_known(self, place: int) -> bool:
        """Return whether the candidates of a chunk are the rows that match."""
        is_exact = bool(self._candidates.is_exact[place])
        return is_exact and not self._has_conditions and self._is_inside(self._chunks[place])

    def _keep_existing(self) -> bool:
        """Remove rows that do not exist or have an excluded status. Return False if those have to be read."""
        self._candidates.keep_set(search_sets.EXISTING)
        excluded = list(self._criteria.exclude_statuses)
        if not excluded or not any(self._candidates.sizes()):
            return True
        query = TaskRow.select(TaskRow.id).where(TaskRow.status.in_(excluded)).limit(MAX_ACTIVE + 1)
        active = [row_id for (row_id,) in query.tuples()]
        self._candidates.remove(active)
        return len(active) <= MAX_ACTIVE

    def _in_order(self, *, newest_first: bool) -> list[tuple[int, int]]:
        """Return the places of the chunks with candidates, and the time before or after which none of their rows was queued."""
        places = [place for place, size in enumerate(self._sizes) if size]
        if newest_first:
            return sorted(((place, self._chunks[place].last_queued_at) for place in places), key=lambda each: -each[1])
        return sorted(((place, self._chunks[place].first_queued_at) for place in places), key=lambda each: each[1])

    # --------------------------------------------------------------- rows

    def _of_chunk(self, place: int, wanted: int, *, newest_first: bool) -> list[Found]:
        """Return the rows of a chunk; of a long list only the first ones, if its ids have the list's order."""
        if not self._chunks[place].is_ordered or self._sizes[place] <= FEW_AT_ONCE or place in self._read:
            return self._all_of(place)
        ids = self._candidates.row_ids(place)[:: -1 if newest_first else 1]
        found: list[Found] = []
        at_once = wanted if self._is_known(place) else 2 * wanted + 50
        for start in range(0, len(ids), at_once):
            if len(ids) - start > FEW_ROWS and at_once > FEW_ROWS and not self._is_known(place):
                return self._all_of(place)
            found += self._by_id(ids[start : start + at_once], is_known=self._is_known(place))
            if len(found) >= wanted:
                break
        return found

    def _all_of(self, place: int) -> list[Found]:
        """Return all rows of a chunk."""
        if place not in self._read:
            is_known = self._is_known(place)
            if self._sizes[place] > FEW_ROWS and not is_known:
                first = self._chunks[place].number * CHUNK
                rows = self._matching((TaskRow.id >= first) & (TaskRow.id < first + CHUNK))
            else:
                rows = self._by_id(self._candidates.row_ids(place), is_known=is_known)
            self._read[place] = rows
        return self._read[place]

    def _read_together(self, places: Iterable[int]) -> None:
        """Read the rows of all these chunks with few candidates in few statements."""
        few = [place for place in places if place not in self._read and self._sizes[place] <= FEW_ROWS]
        place_of = {self._chunks[place].number: place for place in few}
        self._read |= {place: [] for place in few}
        ids = [row_id for place in few if self._sizes[place] for row_id in self._candidates.row_ids(place)]
        for row in self._by_id(ids, is_known=all(map(self._is_known, few))):
            self._read[place_of[row.row_id // CHUNK]].append(row)

    def _by_id(self, ids: list[int], *, is_known: bool) -> list[Found]:
        found: list[Found] = []
        for start in range(0, len(ids), ROWS_AT_ONCE):
            # The ids stand in the text, as there are more than the values that SQLite takes.
            condition = SQL(f'"t1"."id" IN ({", ".join(map(str, ids[start : start + ROWS_AT_ONCE]))})')  # nosec B608
            if is_known:
                rows = TaskRow.select(TaskRow.queued_at, TaskRow.id).where(condition).tuples()
                found += [Found(*values) for values in rows]
            else:
                found += self._matching(condition)
        return found

    def _matching(self, condition: Expression | SQL) -> list[Found]:
        """Return the matching rows of a condition on their ids: the database reads those, also if other columns have an index."""
        columns = (TaskRow.queued_at, TaskRow.id, TaskRow.status, TaskRow.source, TaskRow.model)
        rows = matching(TaskRow.select(*columns).where(condition), self._words_only).tuples()
        return [Found(*values[:2]) for values in rows if self._accepts(*values)]

    def _accepts(self, queued_at: int, _: int, status: str, source: str, model: str) -> bool:
        wanted = self._criteria
        return (
            (not wanted.statuses or status in wanted.statuses)
            and status not in wanted.exclude_statuses
            and (wanted.start is None or queued_at >= wanted.start)
            and (wanted.end is None or queued_at <= wanted.end)
            and (not wanted.sources or source in wanted.sources)
            and (not wanted.model or model in wanted.models)
        )

    # -------------------------------------------------- rows without an index

    @cached_property
    def _small_rest(self) -> list[Found] | None:
        """The matching rows that are in no chunk, None if there are many rows."""
        if search_sets.newest() - self._end >= SMALL_REST:
            return None
        return self._matching(TaskRow.id >= self._end)

    def _rest(self, wanted: int, *, newest_first: bool) -> list[Found]:
        """Return the first matching rows that are in no chunk."""
        if self._small_rest is not None:
            return self._small_rest
        keys = (TaskRow.queued_at, TaskRow.id)
        query = matching(TaskRow.select(*keys).where(TaskRow.id >= self._end), self._criteria)
        ordered = query.order_by(*(key.desc() if newest_first else key.asc() for key in keys))
        return [Found(*values) for values in ordered.limit(wanted).tuples()]

    def _rest_size(self, most: int) -> int:
        if self._small_rest is not None:
            return len(self._small_rest)
        query = matching(TaskRow.select(TaskRow.id).where(TaskRow.id >= self._end), self._criteria)
        return int(query.limit(most).count())


def word_search(criteria: Filter, last: int) -> WordSearch | None:
    """Return the search of a filter's words for the rows up to the `last` of the list, None if the index is of no use for it."""
    words = searched(criteria.prompt_words)
    if words is None or last > MAX_TO_SORT:
        return None
    chunks = search_sets.chunks()
    if not chunks:
        return None
    search = WordSearch(criteria, words, chunks)
    return search if search.is_faster else None


def _negative(row: Found) -> tuple[int, int]:
    return -row.queued_at, -row.row_id


def _itself(row: Found) -> tuple[int, int]:
    return row.queued_at, row.row_id
