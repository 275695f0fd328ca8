"""Search for words: with the index it finds the rows that a search row by row finds, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_api.db.repository import Repository
from fooocus_api.db.search.row_sets import CHUNK
from fooocus_api.db.statements import task_pages, word_search
from fooocus_api.db.statements.filters import Filter
from fooocus_api.tests.support.databases.searched_history import (
    LETTERS,
    NEVER_MEET,
    PROMPTS,
    WORDS,
    Searched,
    index,
    insert,
    tasks,
)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Return the rows of both histories, which take seconds to make."""
    return tasks(PROMPTS, seed=1)


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def searched(
    request: pytest.FixtureRequest, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Searched]:
    """Yield an indexed history of two chunks and some more rows, of which some are deleted."""
    if request.param == "sqlite":
        location: Any = tmp_path_factory.mktemp("search") / "tasks.sqlite3"
    else:
        location = request.getfixturevalue("postgres").new_database()
    repository = Repository(location)
    insert(repository, rows)
    for values in rows[5:PROMPTS:100]:
        repository.write(partial(repository.delete, values["task_id"])).result(60)
    assert index(repository) == 2
    for values in rows[7:PROMPTS:90]:
        repository.write(partial(repository.delete, values["task_id"])).result(60)
    yield Searched(repository, [values["words"] for values in rows])
    repository.close()


FILTERS = st.builds(
    Filter,
    statuses=st.sampled_from([(), (), ("failed",), ("finished", "stopped")]),
    exclude_statuses=st.sampled_from([("pending", "running"), (), ("finished",)]),
    start=st.sampled_from([None, None, 100, CHUNK + 50]),
    end=st.sampled_from([None, None, CHUNK + 50, PROMPTS]),
    sources=st.sampled_from([(), (), ("api",), ("api", "webui"), ("nothing",)]),
    model=st.sampled_from([None, None, "a\\two.safetensors"]),
    tags=st.sampled_from([(), (), ("third",), ("seventieth",), ("third", "seventieth"), ("none",)]),
)


PARTS = st.tuples(st.integers(0, PROMPTS - 1), st.integers(0, 60), st.integers(1, 14))
"""Parts of prompts: the number of the prompt, the beginning and the length."""
OTHERS = st.sampled_from((*WORDS, *NEVER_MEET, "LAKE", "akes", "aterc")) | st.text(LETTERS, min_size=1, max_size=5)


SEARCHES = given(
    parts=st.lists(PARTS, max_size=2),
    others=st.lists(OTHERS, max_size=2),
    criteria=FILTERS,
    place=st.sampled_from([(0, 10), (0, 100), (7, 3), (2000, 50), (0, 0)]),
    newest_first=st.booleans(),
)


@settings(max_examples=20, deadline=None)
@SEARCHES
def test_the_index_finds_what_a_search_row_by_row_finds(searched: Searched, **search: Any) -> None:
    compare(searched, **search)


@pytest.mark.nightly
@settings(max_examples=200, deadline=None)
@SEARCHES
def test_the_index_finds_what_many_searches_row_by_row_find(searched: Searched, **search: Any) -> None:
    compare(searched, **search)


def compare(
    searched: Searched,
    parts: list[tuple[int, int, int]],
    others: list[str],
    criteria: Filter,
    place: tuple[int, int],
    newest_first: bool,
) -> None:
    """Compare a search for words and parts of prompts with one row by row."""
    texts = [searched.prompts[number][start : start + length] for number, start, length in parts]
    words = [word for text in (*texts, *others) for word in text.split()]
    searched.check(replace(criteria, prompt_words=tuple(words)), *place, newest_first=newest_first)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        "cat",
        "c",
        "ca",
        "lake",
        "akesid",
        "猫",
        "猫在屋",
        "一只猫",
        "最高质量",
        "%",
        "_",
        "\\",
        "100%",
        "e_c",
        "lake cat c",
        "none-has-it",
    ],
)
def test_words_of_every_kind(searched: Searched, words: str, newest_first: bool) -> None:
    criteria = Filter(exclude_statuses=("pending", "running"), prompt_words=tuple(words.split()))
    ids = searched.check(criteria, newest_first=newest_first)
    assert bool(ids) == (words != "none-has-it")


def test_frequent_words_that_never_meet(searched: Searched) -> None:
    assert all(len(searched.check(Filter(prompt_words=(word,)))) == 10 for word in NEVER_MEET)
    assert searched.check(Filter(prompt_words=NEVER_MEET)) == []


def test_long_lists_are_counted_up_to_a_limit(searched: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_pages, "MAX_COUNT", 500)
    for word in ("cat", "lake", "aterco", "a"):
        searched.check(Filter(prompt_words=(word,)), 480, 30)
        assert searched.repository.read(partial(task_pages.count, Filter(prompt_words=(word,)))) == (500, True)


@pytest.mark.parametrize("many", [("failed",), ("pending", "running")], ids=["filtered", "active"])
def test_with_many_rows_to_check_the_search_reads_them_in_order(
    searched: Searched, many: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_search, "MAX_TO_FILTER", 50)
    monkeypatch.setattr(word_search, "MAX_ACTIVE", 5)
    monkeypatch.setattr(word_search, "SMALL_REST", 10)
    for word in ("cat", "aterc", "lake2", "none-has-it"):
        criteria = Filter(prompt_words=(word,), exclude_statuses=many)
        searched.check(replace(criteria, exclude_statuses=(), statuses=many) if "failed" in many else criteria)
