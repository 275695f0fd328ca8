"""Upgrade of a history of 100,000 tasks from version 0.1.0, on a running host: nothing is missing, and all words are found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from fooocus_api.tests.support.client import QUICK, Client, wait_for
from fooocus_api.tests.support.databases.release_0_1_0 import create, prompt
from fooocus_api.tests.support.host import Host, demo_host

ENDED = 100_000
PENDING = 3

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Yield a host that has started with a history of version 0.1.0."""
    host = demo_host()
    try:
        create(host.outputs / ".fooocus_api" / "tasks.sqlite3", ENDED, PENDING, QUICK)
        yield host.start()
    finally:
        host.close()


def found(client: Client, words: str) -> tuple[list[str], int]:
    """Return the prompts on the first page of a search of the ended tasks, and the number of all matches."""
    response = client.get("/tasks", params={"query": "history", "prompt": words, "sort": "oldest"})
    assert response.status_code == 200, response.text
    records = response.json()["history"]
    return [record["req_params"]["prompt"] for record in records], int(response.headers["X-Total-History"])


def searches(client: Client) -> None:
    """Compare searches of every kind with the prompts that the history was made of."""
    all_prompts = [prompt(number) for number in range(1, ENDED + 1)]
    for words in (
        "99999",
        "猫",
        "猫 77",
        "_",
        "100%",
        "\\slash",
        "屋顶",
        "lake cat 123",
        "burg",
        "no-such-word",
        "lake lighthouse",
    ):
        wanted = [text for text in all_prompts if all(word in text.casefold() for word in words.split())]
        page, total = found(client, words)
        assert page[:10] == wanted[:10], words
        assert total == min(len(wanted), 10_000), words


def indexed_chunks(host: Host) -> int:
    database = host.outputs / ".fooocus_api" / "tasks.sqlite3"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        (number,) = connection.execute("SELECT count(*) FROM search_chunk WHERE is_ready").fetchone()
        return int(number)


def test_nothing_is_missing_and_all_words_are_found(host: Host) -> None:
    """Search right after the start, while prompts are indexed in the background, and with the whole index."""
    client = Client(host.url)
    searches(client)
    for number in range(ENDED + 1, ENDED + PENDING + 1):
        assert client.ended(f"{number:032x}")["task_status"] == "finished"
    first = client.task(f"{1:032x}")
    assert first["task_status"] == "finished" and first["req_params"]["prompt"] == prompt(1)
    assert first["result"][0].split("?")[0].endswith("/outputs/2023-11-14/1.png")
    fresh = client.draw(prompt="猫 after the upgrade")
    assert fresh["id"] == ENDED + PENDING + 1
    chunks = ENDED // 4096
    wait_for(lambda: indexed_chunks(host) >= chunks, "the index of words")
    searches(client)
    host.stop()
    host.start()
    searches(Client(host.url))
    assert (host.outputs / ".fooocus_api").is_dir()
