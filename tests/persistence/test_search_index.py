"""The index of words while tasks come and go, and its building in the background."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from fooocus_api.db.indexing.indexer import Indexer
from fooocus_api.db.repository import Repository
from fooocus_api.db.statements import search_sets
from fooocus_api.db.statements.filters import Filter
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.databases.databases import Place, inserted, row
from fooocus_api.tests.support.databases.searched_history import LETTERS, Searched, index

FIRST, SECOND, REST = [*range(1, 6), *range(4090, 4096)], [*range(4096, 4100), 6000], [8192, 8193, 8200]
"""Ids of the tasks of the history that most tests search."""


@dataclass
class Small:
    """A history with few tasks, of which any have ids of several chunks."""

    searched: Searched
    place: Place

    def add(self, ids: Iterable[int], word: str = "number") -> None:
        """Add tasks with these ids, whose prompts are the word and the id."""
        for row_id in ids:
            columns = {
                **row(prompt=f"{word} {row_id}", status="finished", queued_at=row_id),
                "id": row_id,
                "rank": row_id,
            }
            for name in ("images", "parameters", "downloads", "error", "notes", "tags"):
                del columns[name]
            names = ", ".join(columns)
            self.place.execute(
                f"INSERT INTO task ({names}) VALUES ({', '.join('?' * len(columns))})", list(columns.values())
            )
        if not isinstance(self.place.location, Path):
            self.place.execute("SELECT setval(pg_get_serial_sequence('task', 'id'), max(id)) FROM task")

    def delete(self, ids: Iterable[int]) -> None:
        """Delete the tasks with these ids."""
        for row_id in ids:
            ((task_id,),) = self.place.execute("SELECT task_id FROM task WHERE id = ?", (row_id,))
            self.searched.repository.write(partial(self.searched.repository.delete, task_id)).result(60)

    def index(self) -> int:
        """Index what the history has now, and return the number of chunks."""
        return index(self.searched.repository)

    def found(self, *words: str, newest_first: bool = False) -> list[int]:
        """Return the ids of the tasks with these words, after the comparison with a search row by row."""
        return self.searched.check(Filter(prompt_words=words), limit=100, newest_first=newest_first)


@pytest.fixture
def small(repository: Repository, place: Place) -> Small:
    """Return a history with ids of two whole chunks and one more."""
    small = Small(Searched(repository, []), place)
    small.add(FIRST + SECOND + REST)
    return small


def test_a_search_is_right_before_during_and_after_indexing(small: Small) -> None:
    repository, everything = small.searched.repository, FIRST + SECOND + REST
    assert small.found("number") == everything and small.found("4097") == [4097] and small.found("none") == []
    repository.write(partial(search_sets.begin, 0)).result(60)
    repository.write(partial(search_sets.add, 0, [(b"n", b"\x01\x00")])).result(60)
    assert small.found("number") == everything and small.found("n", "2") == [2, 4092, 8192, 8200]
    assert small.index() == 2
    assert small.found("number") == everything and small.found("4097") == [4097] and small.found("none") == []
    assert small.found("n", "2") == [2, 4092, 8192, 8200]
    assert small.index() == 0


def test_tasks_that_come_later_are_found(small: Small) -> None:
    assert small.index() == 2
    early, late = row(prompt="number", queued_at=-5), row(prompt="number and more", queued_at=10**9)
    inserted(small.searched.repository, early, late)
    newest = REST[-1] + 2
    assert small.found("number", "more") == [newest]
    assert small.found("number")[:2] == [newest - 1, 1]
    assert small.found("number", newest_first=True)[:2] == [newest, REST[-1]]


@pytest.mark.parametrize("kept", [0, 3, len(FIRST) - 1, len(FIRST) + 2, len(FIRST + SECOND)])
def test_an_id_that_is_assigned_again_is_found(small: Small, kept: int) -> None:
    """Delete the highest ids, which SQLite then assigns again."""
    before = FIRST + SECOND + REST
    assert small.index() == 2
    small.delete(reversed(before[kept:]))
    assert small.found("number") == before[:kept]
    inserted(small.searched.repository, *(row(prompt="another", queued_at=number) for number in range(12)))
    for _ in range(2):
        assert len(small.found("another")) == 12 and small.found("number") == before[:kept]
        small.add([20_000 + len(small.found("number")) * 4])  # so that the last chunk can be indexed
        before = [*before[:kept], small.found("number")[-1]]
        kept += 1
        small.index()


def test_the_sets_of_deleted_tasks_are_removed(small: Small) -> None:
    assert small.index() == 2
    small.delete(FIRST)
    assert small.found("number") == SECOND + REST
    assert small.index() == 0
    assert small.place.execute("SELECT DISTINCT chunk FROM search_set") == [(1,)]
    assert small.found("number") == SECOND + REST


def test_prompts_that_are_too_long_to_index_are_found(small: Small) -> None:
    chance = random.Random(3)
    long = ["".join(chance.choices(LETTERS, k=20_000)).casefold() for _ in range(35)]
    for row_id, text in enumerate(long, 3000):
        small.add([row_id], text)
    assert small.index() == 2
    assert [chunk.is_indexed for chunk in small.searched.repository.read(search_sets.chunks)] == [False, True]
    assert small.found(long[7][500:530]) == [3007] and small.found("4097") == [4097]


def test_the_index_is_built_in_the_background(small: Small) -> None:
    repository = small.searched.repository
    repository.index_words()
    wait_for(lambda: len(repository.read(search_sets.chunks)) == 2, "the index")
    assert small.found("4097") == [4097]


def test_a_full_disk_ends_no_search(small: Small) -> None:
    """Check that the indexer stops before it fills the disk."""

    def no_room() -> None:
        raise OSError("no room")

    repository = small.searched.repository
    indexer = Indexer(repository.read, lambda change: repository.write(change).result(60), no_room)
    with pytest.raises(OSError, match="no room"):
        indexer.index()
    assert small.found("number") == FIRST + SECOND + REST
    assert not repository.read(search_sets.chunks)
