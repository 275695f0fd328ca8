"""Rows of the index of words: the sets of chunks of row ids, and the chunks that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from peewee import SQL, fn

from ..search.row_sets import CHUNK, of_places, without
from ..tables import SearchChunkRow, SearchSetRow, TaskRow, database, shard
from .prepared import PreparedStatement, param

EXISTING = b""
"""Key of the set of a chunk's tasks that exist."""

_CHUNKS = PreparedStatement(
    lambda: (
        SearchChunkRow.select(
            SearchChunkRow.chunk,
            SearchChunkRow.first_queued_at,
            SearchChunkRow.last_queued_at,
            SearchChunkRow.is_ordered,
            SearchChunkRow.is_indexed,
        )
        .where(SearchChunkRow.is_ready == param("ready"))
        .order_by(SearchChunkRow.chunk)
    )
)
_NEWEST = PreparedStatement(lambda: TaskRow.select(fn.MAX(TaskRow.id)))
_EXISTING = PreparedStatement(
    lambda: SearchSetRow.select(SearchSetRow.rows).where(
        (SearchSetRow.chunk == param("chunk")) & (SearchSetRow.part == param("part"))
    )
)
_HELD = PreparedStatement(
    lambda: (
        SearchSetRow.select(SearchSetRow.rows)
        .where((SearchSetRow.chunk == param("chunk")) & (SearchSetRow.part == param("part")))
        .for_update()
    )
)
"""The same, which no other process changes until the end of the transaction."""
_CHANGE = PreparedStatement(
    lambda: SearchSetRow.update(rows=param("rows")).where(
        (SearchSetRow.chunk == param("chunk")) & (SearchSetRow.part == param("part"))
    )
)
_FORGET = PreparedStatement(lambda: SearchChunkRow.delete().where(SearchChunkRow.chunk == param("chunk")))
_FORGET_FROM_END = PreparedStatement(
    lambda: SearchChunkRow.delete().where(
        SearchChunkRow.chunk > SQL(f"(SELECT COALESCE(MAX(id), 0) + 1 FROM task) / {CHUNK} - 1")  # nosec B608
    )
)


class Chunk(NamedTuple):
    """A chunk that is ready, by the columns of its row."""

    number: int
    first_queued_at: int
    last_queued_at: int
    is_ordered: bool
    is_indexed: bool


class PromptRow(NamedTuple):
    """The columns of a task that the index is made of."""

    row_id: int
    queued_at: int
    words: str


# ----------------------------------------------------------------- reads


def chunks() -> list[Chunk]:
    """Return the chunks that are ready, sorted. All rows before the end of the last one are in a chunk."""
    return [Chunk(*values) for values in _CHUNKS.run(ready=True)]


def newest() -> int:
    """Return the highest id of a task, 0 without one."""
    number: int | None = _NEWEST.run().fetchone()[0]
    return number or 0


def sets(numbers: Sequence[int], keys: Sequence[bytes]) -> list[tuple[int, bytes, bytes]]:
    """Return the chunk, the key and the stored set of each of these keys that these chunks have."""
    if not numbers:
        return []
    # The numbers stand in the text, as there may be more than the values that SQLite takes.
    query = (
        f'SELECT chunk, part, "rows" FROM search_set WHERE chunk IN ({", ".join(map(str, map(int, numbers)))}) '  # nosec B608
        f"AND part IN ({', '.join([database.param] * len(keys))})"
    )
    found = database.execute_sql(query, list(keys))
    return [(number, bytes(key), bytes(rows)) for number, key, rows in found]


def next_chunk() -> int | None:
    """Return the first chunk that is not ready although all its ids have been assigned, or None."""
    last = SearchChunkRow.select(fn.MAX(SearchChunkRow.chunk)).where(SearchChunkRow.is_ready == True)  # noqa: E712
    ready = last.scalar()
    first, newest = (
        TaskRow.select(fn.MIN(TaskRow.id), fn.MAX(TaskRow.id))
        .where(TaskRow.id >= (0 if ready is None else (ready + 1) * CHUNK))
        .tuples()
        .get()
    )
    return None if first is None or first // CHUNK >= newest // CHUNK else int(first // CHUNK)


def prompts(first: int, end: int, most: int) -> list[PromptRow]:
    """Return the first rows with ids from `first` on and below `end`."""
    query = TaskRow.select(TaskRow.id, TaskRow.queued_at, TaskRow.words)
    rows = query.where((TaskRow.id >= first) & (TaskRow.id < end)).order_by(TaskRow.id).limit(most)
    return [PromptRow(*values) for values in rows.tuples()]


def leftover(after: int) -> int | None:
    """Return the first chunk after that one with sets but without a row of its own, or None."""
    known = SearchChunkRow.select(SearchChunkRow.chunk)
    found = SearchSetRow.select(SearchSetRow.chunk).where(
        (SearchSetRow.chunk > after) & SearchSetRow.chunk.not_in(known)
    )
    number: int | None = found.order_by(SearchSetRow.chunk).limit(1).scalar()
    return number


# --------------------------------------------------------------- changes


def begin(number: int) -> None:
    """Record that a chunk's sets are being written."""
    _finish_changes()
    SearchChunkRow.delete().where(SearchChunkRow.chunk == number).execute()
    SearchChunkRow.insert(
        chunk=number, first_queued_at=0, last_queued_at=0, is_ordered=False, is_indexed=False, is_ready=False
    ).execute()


def add(number: int, rows: Sequence[tuple[bytes, bytes]]) -> None:
    """Add sets to a chunk that was begun."""
    values = ", ".join([f"({database.param}, {database.param}, {database.param})"] * len(rows))
    columns = [value for key, content in rows for value in (number, key, content)]
    database.execute_sql(f'INSERT INTO search_set (chunk, part, "rows") VALUES {values}', columns)  # nosec B608


def remove(number: int, most: int) -> int:
    """Remove at most `most` sets of a chunk, and return their number."""
    parts = SearchSetRow.select(SearchSetRow.part).where(SearchSetRow.chunk == number).limit(most)
    return int(SearchSetRow.delete().where((SearchSetRow.chunk == number) & SearchSetRow.part.in_(parts)).execute())


def finish(chunk: Chunk) -> bool:
    """Make a chunk ready whose sets are all written. Return False if its ids are being assigned again."""
    _finish_changes()
    first = chunk.number * CHUNK
    ids = TaskRow.select(TaskRow.id).where((TaskRow.id >= first) & (TaskRow.id < first + CHUNK)).order_by(TaskRow.id)
    places = [row_id - first for (row_id,) in ids.tuples()]
    changed = {**chunk._asdict(), "is_ready": True}
    number = changed.pop("number")
    if not places or not SearchChunkRow.update(changed).where(SearchChunkRow.chunk == number).execute():
        return False
    SearchSetRow.insert(chunk=number, part=EXISTING, rows=of_places(places)).execute()
    return True


def _finish_changes() -> None:
    """Wait until all changes to tasks by other processes are visible, and keep off new ones until the end of the transaction.

    Otherwise a task with a lower id than one that is visible could appear later, or one that is visible be deleted.
    """
    if shard.is_one_of_several:
        database.execute_sql("LOCK TABLE task IN SHARE MODE")


def forget(row_id: int) -> None:
    """Remove a deleted task from its chunk's set of those that exist.

    SQLite assigns the ids above the highest one again: chunks that would get such ids are no longer ready.
    """
    number, place = divmod(row_id, CHUNK)
    statement = _HELD if shard.is_one_of_several else _EXISTING
    found = statement.run(chunk=number, part=EXISTING).fetchone()
    if found is not None:
        rows = without(bytes(found[0]), place)
        _CHANGE.run(chunk=number, part=EXISTING, rows=rows)
        if not rows:
            _FORGET.run(chunk=number)
    _FORGET_FROM_END.run()
