"""Lists of the repository, filtered, counted and in pages, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements import task_pages
from fooocus_api.db.statements.daily_counts import DAY_MS
from fooocus_api.db.statements.task_pages import Filter
from fooocus_api.tests.support.databases.databases import Place, inserted, row
from fooocus_api.tests.support.databases.tasks_in_rows import ENDED, UNFINISHED, assert_tally_is_right


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    """Return each row's `queued_at`, which these tests count from 0."""
    return [values["queued_at"] for values in rows]


@pytest.fixture
def many(repository: Repository, place: Place) -> Repository:
    """Insert 100 tasks queued at 0 to 99: every tenth is pending or running; models and sources alternate."""
    rows = [
        row(
            queued_at=number,
            status="pending" if number % 20 == 9 else "running" if number % 20 == 19 else ENDED[number % 4],
            source=("api", "webui", "key:anna")[number % 3],
            model=("one.safetensors", "two.safetensors")[number % 2],
            prompt=f"number {number}",
        )
        for number in range(100)
    ]
    inserted(repository, *rows)
    assert_tally_is_right(place)
    return repository


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("in_time", [False, True], ids=["all", "of a time"])
def test_pages_together_are_the_list(many: Repository, newest_first: bool, in_time: bool) -> None:
    everything = [number for number in range(100) if number % 10 != 9]
    if newest_first:
        everything.reverse()
    criteria = Filter(exclude_statuses=UNFINISHED, start=0 if in_time else None)
    first_far_last_and_beyond = (
        (0, 10),
        (10, 10),
        (40, 7),
        (44, 3),
        (49, 3),
        (83, 10),
        (89, 10),
        (90, 10),
        (9**6, 1),
        (0, 500),
    )
    for offset, limit in first_far_last_and_beyond:
        found = many.read(lambda: many.page(criteria, offset, limit, newest_first=newest_first))  # noqa: B023
        assert numbers(found) == everything[offset : offset + limit], (offset, limit)


def test_filters(many: Repository) -> None:
    wanted: list[tuple[Filter, Callable[[int], bool]]] = [
        (Filter(), lambda n: True),
        (Filter(statuses=("failed",)), lambda n: n % 4 == 1 and n % 10 != 9),
        (Filter(statuses=("failed", "pending")), lambda n: (n % 4 == 1 and n % 10 != 9) or n % 20 == 9),
        (Filter(statuses=("failed",), exclude_statuses=("failed",)), lambda n: False),
        (Filter(sources=("webui",)), lambda n: n % 3 == 1),
        (Filter(sources=("webui", "key:anna")), lambda n: n % 3 != 0),
        (Filter(sources=("stranger",)), lambda n: False),
        (Filter(model="two.safetensors"), lambda n: n % 2 == 1),
        (Filter(start=17), lambda n: n >= 17),
        (Filter(end=17), lambda n: n <= 17),
        (Filter(start=17, end=17), lambda n: n == 17),
        (Filter(prompt_words=("ber", "7")), lambda n: "7" in str(n)),
        (
            Filter(prompt_words=("NUMBER",), start=90, sources=("api",), model="one.safetensors"),
            lambda n: n in (90, 96),
        ),
    ]
    for criteria, expected in wanted:
        numbered = [number for number in range(100) if expected(number)]
        found = many.read(lambda: many.page(criteria, 0, 100, newest_first=False))  # noqa: B023
        assert numbers(found) == numbered, criteria
        assert many.read(lambda: many.count(criteria)) == (len(numbered), False), criteria  # noqa: B023
        ids = many.read(lambda: many.task_ids(criteria, 5))  # noqa: B023
        assert ids == [values["task_id"] for values in found[:5]], criteria


def test_words_are_found_whatever_they_are_made_of(repository: Repository) -> None:
    found_by = {
        "100%": ["100% wool"],
        "100": ["100 wool", "100% wool"],
        "e_c": ["snake_case"],
        "k\\s": ["back\\slash"],
        "'ox'": ["it's an 'ox'"],
        "猫在": ["一只猫在屋顶上"],
        "straße": ["GROSSE STRASSE", "Große Straße"],
        "ça": ["ÇA VA"],
        "ΟΔΥΣΣΕΎΣ": ["Οδυσσεύς"],
        "🐈": ["a 🐈 on a roof"],
        "ROOF a": ["a 🐈 on a roof", "a dog on a roof"],
        "roof cat": [],
    }
    others = ["snakeXcase", "backslash", "back/slash", "一只狗"]
    prompts = sorted({prompt for found in found_by.values() for prompt in found} | set(others))
    inserted(repository, *(row(prompt=prompt) for prompt in prompts))
    for words, expected in found_by.items():
        criteria = Filter(prompt_words=tuple(words.split()))
        found = repository.read(lambda: repository.page(criteria, 0, 99, newest_first=False))  # noqa: B023
        assert [item["parameters"]["prompt"] for item in found] == sorted(expected), words


def test_filtered_lists_are_counted_up_to_a_limit(many: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_pages, "MAX_COUNT", 20)
    for criteria, found in ((Filter(start=0, sources=("api",)), 34), (Filter(prompt_words=("number",)), 100)):
        assert found > 20 and many.read(lambda: many.count(criteria)) == (20, True)  # noqa: B023
        page, counted = many.read(lambda: many.page_and_count(criteria, 5, 10, newest_first=False))  # noqa: B023
        assert counted == (20, True) and page == many.read(lambda: many.page(criteria, 5, 10, newest_first=False))  # noqa: B023
    assert many.read(lambda: many.count(Filter(start=80))) == (20, False)
    assert many.read(lambda: many.count(Filter(start=79, end=99))) == (20, True)  # a part of a day
    assert many.read(lambda: many.count(Filter(start=0))) == (100, False)  # whole days are never capped
    assert many.read(lambda: many.count(Filter(statuses=("finished",)))) == (25, False)


@pytest.mark.parametrize("seed", range(3))
def test_totals_and_pages_of_any_time_are_right(
    repository: Repository, place: Place, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Compare with a plain filter, over days with and without tasks and after changes; each page is looked up by its day."""
    monkeypatch.setattr(task_pages, "MAX_OFFSET_SCAN", -1)
    chance = random.Random(seed)
    rows = [
        row(queued_at=chance.choice((5, 6, 7, 20, 21)) * DAY_MS + chance.choice((0, 1, 500, DAY_MS - 1)), status=status)
        for status in chance.choices(ENDED, k=60)
    ]
    inserted(repository, *rows)
    for values in rows[:10]:
        repository.write(partial(repository.delete, values["task_id"])).result(60)
    for values in rows[10:20]:
        values["status"] = "stopped"
        repository.write(partial(repository.update, values["task_id"], {"status": "stopped"})).result(60)
    assert_tally_is_right(place)
    times = [None, *(day * DAY_MS + moment for day in (4, 5, 6, 7, 20, 21, 22) for moment in (-1, 0, 1, 600))]
    for _ in range(150):
        newest_first, offset, limit = chance.random() < 0.5, chance.randrange(60), chance.randint(1, 20)
        criteria = Filter(
            statuses=chance.choice(((), ("stopped",))),
            exclude_statuses=chance.choice(((), ("failed", "finished"))),
            start=chance.choice(times),
            end=chance.choice(times),
        )
        expected = [
            values["queued_at"]
            for values in sorted(rows[10:], key=lambda values: int(values["queued_at"]), reverse=newest_first)
            if (not criteria.statuses or values["status"] in criteria.statuses)
            and values["status"] not in criteria.exclude_statuses
            and (criteria.start is None or values["queued_at"] >= criteria.start)
            and (criteria.end is None or values["queued_at"] <= criteria.end)
        ]
        ask = partial(repository.page_and_count, criteria, offset, limit, newest_first=newest_first)
        found, counted = repository.read(ask)
        assert counted == (len(expected), False), criteria
        assert numbers(found) == expected[offset : offset + limit], (criteria, offset, limit, newest_first)


def test_the_order_of_the_ends_and_tags(repository: Repository) -> None:
    """Compare with a plain filter."""
    chance = random.Random(1)
    rows = [
        row(
            queued_at=chance.randrange(50),
            finished_at=chance.randrange(-1, 60),
            status=chance.choice(ENDED),
            source=chance.choice(("api", "shop")),
            tags=chance.choice(([], ["a"], ["b", "a"], ["b"])),
        )
        for _ in range(80)
    ]
    inserted(repository, *rows)
    for values in rows[:10]:
        repository.write(partial(repository.delete, values["task_id"])).result(60)
    for _ in range(100):
        offset, limit = chance.randrange(40), chance.randint(1, 20)
        criteria = Filter(
            statuses=chance.choice(((), ("stopped",))),
            sources=chance.choice(((), (), ("shop",))),
            start=chance.choice((None, 20)),
            finished_before=chance.choice((None, 30)),
            tags=chance.choice(((), ("a",), ("a", "b"), ("c",))),
        )
        expected = [
            values
            for values in rows[10:]
            if (not criteria.statuses or values["status"] in criteria.statuses)
            and (not criteria.sources or values["source"] in criteria.sources)
            and (criteria.start is None or values["queued_at"] >= criteria.start)
            and (criteria.finished_before is None or values["finished_at"] < criteria.finished_before)
            and set(criteria.tags) <= set(values["tags"])
        ]
        found, counted = repository.read(partial(repository.finished_page_and_count, criteria, offset, limit))
        assert counted == (len(expected), False), criteria
        ends = sorted((values["finished_at"] for values in expected), reverse=True)
        assert [item["finished_at"] for item in found] == ends[offset : offset + limit], criteria
        found, counted = repository.read(partial(repository.page_and_count, criteria, offset, limit))
        assert counted == (len(expected), False), criteria
        assert numbers(found) == sorted((values["queued_at"] for values in expected), reverse=True)[offset:][:limit]


def test_tasks_of_the_same_millisecond_are_on_one_page_each(repository: Repository) -> None:
    ids = inserted(repository, *(row(queued_at=5, status="finished") for _ in range(30)))
    seen = [
        item["task_id"]
        for offset in range(0, 30, 7)
        for item in repository.read(lambda offset=offset: repository.page(Filter(), offset, 7))  # type: ignore[misc]
    ]
    assert seen == ids[::-1]
