"""Chosen images in one ZIP file, sent while it is made, and images that are deleted."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from fooocus_api.api.routes.images.zip_stream import MAX_IMAGES, UniqueNames, safe_name
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

NO_TASK = "0" * 32


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--apikey", "boss:s3cret") as running:
        yield running


@pytest.fixture
def boss(host: Host) -> Client:
    return Client(host.url, "s3cret")


def contents(answer: requests.Response) -> dict[str, bytes]:
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip", answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def name_of(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def test_it_has_each_chosen_image_once(boss: Client) -> None:
    two, one = boss.draw(image_number=2), boss.draw()
    body = {"task_ids": [two["task_id"], two["task_id"]], "images": [*one["result"], two["result"][0]]}
    answer = boss.post("/v1/archive", json={**body, "file_name": 'my "cats"'})
    assert answer.headers["content-disposition"] == 'attachment; filename="my _cats_.zip"'
    found = contents(answer)
    assert list(found) == [name_of(url) for url in (*two["result"], *one["result"])]
    assert found[name_of(one["result"][0])] == boss.get(one["result"][0]).content


def test_a_form_of_a_page_does_the_same(boss: Client, host: Host) -> None:
    task = boss.draw(image_number=2)
    browser = Client(host.url)
    browser.post("/v1/session", json={"key": "s3cret"})
    form = [("task_ids", task["task_id"]), ("images", task["result"][0]), ("images", "outputs/2026-01-01/none.png")]
    headers = {"Origin": host.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    found = contents(browser.post("/v1/archive", data=form, headers=headers))
    assert [*found] == [*map(name_of, task["result"]), "missing.txt"]
    assert found["missing.txt"].decode() == "outputs/2026-01-01/none.png\n"
    refused = browser.post("/v1/archive", data=form, headers={"Origin": "https://other.example"})
    assert refused.status_code == 403


def test_images_beyond_the_most_of_an_archive_are_named(host: Host, boss: Client) -> None:
    task = boss.draw(image_number=2)
    added = [f"2026-01-01/{number}.png" for number in range(MAX_IMAGES)]
    add = "INSERT INTO task_image(task_id, position, path, kept, metadata) VALUES (?, ?, ?, 1, '{}')"
    with closing(sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3", timeout=30)) as history, history:
        move = "UPDATE task_image SET position = ? WHERE task_id = ? AND position = 1"
        history.execute(move, (MAX_IMAGES + 1, task["id"]))
        history.executemany(add, [(task["id"], position, path) for position, path in enumerate(added, 1)])
    found = contents(boss.post("/v1/archive", json={"task_ids": [task["task_id"]]}))
    first, last = map(name_of, task["result"])
    assert [*found] == [first, "missing.txt"]
    missing = found["missing.txt"].decode().split()
    assert missing[:-1] == added and name_of(missing[-1]) == last


def test_what_a_key_may_not_see_is_missing(host: Host, boss: Client) -> None:
    ann = add_key(host, "ann")
    theirs, mine = boss.draw(), ann.draw()
    body = {
        "task_ids": [theirs["task_id"], NO_TASK, mine["task_id"]],
        "images": [theirs["result"][0].partition("?")[0]],
    }
    found = contents(ann.post("/v1/archive", json=body))
    assert [*found] == [name_of(mine["result"][0]), "missing.txt"]
    assert set(found["missing.txt"].decode().split()) == {theirs["task_id"], NO_TASK, body["images"][0]}
    none = ann.post("/v1/archive", json={"task_ids": [theirs["task_id"]]})
    assert none.status_code == 404 and none.json()["code"] == "image_not_found"


@pytest.mark.parametrize(
    ("arguments", "status", "field"),
    [
        ({"json": {}}, 422, "task_ids"),
        ({"json": {"task_ids": "x"}}, 422, "task_ids"),
        ({"json": {"task_ids": ["x"] * 2001}}, 422, "task_ids"),
        ({"json": {"ids": ["x"]}}, 422, "ids"),
        ({"data": {"ids": "x"}}, 422, "ids"),
        ({"data": [("file_name", "a"), ("file_name", "b")]}, 422, "file_name"),
        ({"data": [("task_ids", "x")] * 5000}, 422, "body"),
        ({"data": {"images": "x" * 600_000}}, 413, None),
        ({"json": {"images": ["x" * 2000] * 300}}, 413, None),
    ],
)
def test_a_malformed_choice_is_refused(boss: Client, arguments: dict[str, Any], status: int, field: str | None) -> None:
    answer = boss.post("/v1/archive", **arguments)
    assert answer.status_code == status, answer.text
    assert field in ([error["field"] for error in answer.json().get("errors", [])] or [None])


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.png", "a.png"),
        ("../../a.png", "_.._a.png"),
        ("CON.png", "_CON.png"),
        ("a:b\x00.png", "a_b_.png"),
        (" . ", "_"),
        ("ä" * 300 + ".png", "ä" * 147 + ".png"),
    ],
)
def test_names_are_safe_everywhere(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_names_are_unique_on_every_system() -> None:
    names = UniqueNames()
    assert [names.take(name) for name in ("a.png", "A.png", "a.png", "a_2.png", "a")] == [
        *("a.png", "A_2.png", "a_3.png", "a_2_2.png", "a"),
    ]


def test_an_image_whose_file_is_deleted_is_gone_for_those_who_see_its_record(host: Host, boss: Client) -> None:
    ann, task = add_key(host, "guest"), boss.draw()
    url = task["result"][0].partition("?")[0]
    Path(host.outputs, *urlsplit(url).path.split("/")[2:]).unlink()
    for answer in (boss.get(url), boss.get(f"{url}?width=128"), Client(host.url).get(task["result"][0])):
        assert answer.status_code == 410 and answer.json()["code"] == "image_gone"
    assert boss.request("HEAD", url).status_code == 410
    assert ann.get(url).status_code == 404
    assert contents(boss.post("/v1/archive", json={"task_ids": [boss.draw()["task_id"]], "images": [url]}))[
        "missing.txt"
    ]
    boss.request("DELETE", f"/tasks/{task['task_id']}")
    assert boss.get(url).status_code == 404
