"""Numbers of tasks by day and by filter: with every filter, for every time zone, and of a key's own tasks alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import partial
from itertools import product
from typing import Any

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.counts.days import by_day
from fooocus_api.db.statements.counts.values import by_value
from fooocus_api.db.statements.filters import Filter
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.databases.databases import Place
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

ENDED = ("pending", "running")
HOUR_MS = 3_600_000
START = 1_767_225_600_000
"""2026-01-01 00:00 UTC."""


def row(number: int) -> dict[str, Any]:
    """Return a task's row; every seventh is pending, and they are queued every five hours."""
    queued_at = START + number * 5 * HOUR_MS
    return {
        "task_id": f"{number:032x}",
        "source": ("webui", "api", "shop")[number % 3],
        "status": "pending" if number % 7 == 0 else ("finished", "failed")[number % 2],
        "model": ("a.safetensors", "b.safetensors", "")[number % 4 % 3],
        "words": f"cat {number % 5}",
        "rank": number + 1,
        "queued_at": queued_at,
        "started_at": queued_at,
        "finished_at": -1 if number % 7 == 0 else queued_at + 2 * HOUR_MS,
        "progress": 100,
        "title": "",
        "attempts": 1,
        "webhook_url": "",
        "parameters": {},
        "downloads": [],
        "images": [],
        "tags": ["starred"] if number % 10 == 1 else [],
    }


ROWS = [row(number) for number in range(200)]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    found = Repository(tmp_path_factory.mktemp("counts") / "tasks.sqlite3")
    found.write(lambda: [found.insert(dict(each)) for each in ROWS]).result()
    yield found
    found.close()


FILTERS: list[tuple[Filter, Any]] = [
    (Filter(), lambda _: True),
    (Filter(statuses=("failed",)), lambda each: each["status"] == "failed"),
    (Filter(sources=("shop", "api")), lambda each: each["source"] in ("shop", "api")),
    (
        Filter(sources=("shop",), model="a.safetensors"),
        lambda each: (each["source"], each["model"]) == ("shop", "a.safetensors"),
    ),
    (Filter(prompt_words=("cat", "3")), lambda each: "3" in each["words"]),
    (Filter(tags=("starred",)), lambda each: "starred" in each["tags"]),
    (
        Filter(start=START + 7 * HOUR_MS, end=START + 300 * HOUR_MS),
        lambda each: START + 7 * HOUR_MS <= each["queued_at"] <= START + 300 * HOUR_MS,
    ),
]


@pytest.mark.parametrize(("criteria", "matches"), FILTERS)
def test_days_are_those_of_the_time_zone(repository: Repository, criteria: Filter, matches: Any) -> None:
    tasks = [each for each in ROWS if matches(each) and each["status"] not in ENDED]
    criteria = replace(criteria, exclude_statuses=ENDED)
    for minutes, by_end in product((0, 60, -210, 345, 840, -840), (False, True)):
        if by_end and criteria.prompt_words:
            continue  # the list has no such order
        zone, column = timezone(timedelta(minutes=minutes)), "finished_at" if by_end else "queued_at"
        days = [datetime.fromtimestamp(each[column] / 1000, zone).date() for each in tasks]
        expected = Counter((day - date(1970, 1, 1)).days for day in days)
        found, capped = repository.read(partial(by_day, criteria, minutes * 60_000, by_end=by_end))
        assert found == sorted(expected.items(), reverse=True) and not capped, (minutes, by_end)


@pytest.mark.parametrize(("criteria", "matches"), FILTERS)
def test_values_are_those_of_the_filters_tasks(repository: Repository, criteria: Filter, matches: Any) -> None:
    tasks = [each for each in ROWS if matches(each) and each["status"] not in ENDED]
    criteria = replace(criteria, exclude_statuses=ENDED)
    found, total, capped = repository.read(partial(by_value, criteria, 2))
    assert (total, capped) == (len(tasks), False)
    for name, column in (("statuses", "status"), ("sources", "source"), ("models", "model")):
        counted = Counter(each[column] for each in tasks if each[column])
        assert sorted(found[name]) == sorted(sorted(counted.items(), key=lambda each: (-each[1], each[0]))[:2]), name


def test_tags_are_counted(repository: Repository) -> None:
    for criteria in (Filter(sources=("webui", "api", "shop")), Filter(prompt_words=("cat",))):
        found, _, _ = repository.read(partial(by_value, replace(criteria, exclude_statuses=ENDED), 9))
        assert found["tags"] == [
            ("starred", sum("starred" in each["tags"] and each["status"] not in ENDED for each in ROWS))
        ]


def test_postgresql_counts_alike(place: Place) -> None:
    repository = Repository(place.location)
    repository.write(lambda: [repository.insert(dict(each)) for each in ROWS[:40]]).result()
    for by_end in (False, True):
        days, _ = repository.read(partial(by_day, Filter(exclude_statuses=ENDED), 3 * HOUR_MS, by_end=by_end))
        assert sum(number for _, number in days) == sum(each["status"] not in ENDED for each in ROWS[:40])
    assert repository.read(lambda: by_value(Filter(exclude_statuses=ENDED), 9))[1] > 0
    repository.close()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--apikey", "boss:s3cret") as running:
        yield running


def test_a_key_counts_its_own(host: Host) -> None:
    boss, ann = Client(host.url, "s3cret"), add_key(host, "ann")
    boss.draw(tags=["starred"])
    ann.draw(), ann.draw(prompt="a lake")
    days, facets = ann.get("/tasks/days").json(), ann.get("/tasks/facets").json()
    assert days["total"] == facets["total"] == 2 and not days["capped"]
    assert facets["sources"] == [{"value": "ann", "tasks": 2}] and facets["tags"] == []
    assert facets["statuses"] == [{"value": "finished", "tasks": 2}]
    everything = boss.get("/tasks/facets").json()
    assert {each["value"] for each in everything["sources"]} == {"boss", "ann"} and everything["total"] == 3
    assert everything["tags"] == [{"value": "starred", "tasks": 1}]
    assert boss.get("/tasks/days", params={"source": "ann", "prompt": "lake"}).json()["total"] == 1
    assert ann.get("/tasks/days", params={"source": "boss"}).json() == {"days": [], "total": 0, "capped": False}
    query = {"sort": "finished", "utc_offset": 345}
    today = datetime.now(timezone(timedelta(minutes=345))).date()
    counted = boss.get("/tasks/days", params=query).json()["days"]
    assert sum(each["tasks"] for each in counted) == 3 and counted[0]["day"] in (
        str(today),
        str(today - timedelta(days=1)),
    )


@pytest.mark.parametrize("query", [{"utc_offset": 841}, {"utc_offset": "x"}, {"start_at": "?"}, {"status": "none"}])
def test_a_wrong_parameter_is_named(host: Host, query: dict[str, Any]) -> None:
    answer = Client(host.url, "s3cret").get("/tasks/days", params=query)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"].startswith(next(iter(query)))
