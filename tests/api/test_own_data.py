"""Tags and data of the client: kept, returned, filtered by, and bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import demo_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fooocus_api.tests.support.servers.webhook_receiver import Receiver

TAGS = ["shop 商店", "order-17"]
DATA = {"chat": 12345678901234567890, "nested": {"键": [1.5, None, True]}}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with demo_host("--allow-private-urls", "127.0.0.0/8") as host:
        yield Client(host.url)


def listed(client: Client, *tags: str, **query: Any) -> set[str]:
    lists = client.get("/tasks", params={"tag": list(tags), "page_size": 100, **query}).json()
    return {record["task_id"] for name in ("history", "current", "pending") for record in lists[name]}


def test_they_come_back_everywhere(client: Client, receiver: Receiver) -> None:
    with reading(client, "/v1/events") as reader:
        sent = client.submit(tags=TAGS, client_data=DATA, webhook_url=receiver.url, image_number=2)
        task_id = sent["task_id"]
        assert (sent["tags"], sent["client_data"]) == (TAGS, DATA)
        record = client.ended(task_id)
        reader.until("finished")
        events = [event["data"] for event in reader.events if event["data"]["task_id"] == task_id]
    assert (record["tags"], record["client_data"]) == (TAGS, DATA)
    assert {"queued", "started", "progress", "image", "finished"} <= set(reader.names())
    assert all((event["tags"], event["client_data"]) == (TAGS, DATA) for event in events)
    delivered = receiver.next().record
    assert (delivered["tags"], delivered["client_data"]) == (TAGS, DATA)
    messages = [message.data for message in client.stream(tags=TAGS, client_data=DATA)]
    assert messages and all((message["tags"], message["client_data"]) == (TAGS, DATA) for message in messages)


def test_a_task_without_them(client: Client) -> None:
    record = client.draw()
    assert record["tags"] == [] and record["client_data"] == {}
    null = client.draw(tags=None, client_data=None)
    assert null["tags"] == [] and null["client_data"] == {}


def test_lists_are_filtered_by_tags(client: Client) -> None:
    both = client.draw(tags=["a-both", "b-both", "a-both"], prompt="a kite")["task_id"]
    one = client.draw(tags=["a-both"], prompt="a kite")["task_id"]
    assert client.task(both)["tags"] == ["a-both", "b-both"]
    assert listed(client, "a-both") == {both, one}
    assert listed(client, "a-both", "b-both") == {both} == listed(client, "b-both")
    assert listed(client, "a-both", prompt="kite", sort="oldest") == {both, one}
    assert listed(client, "b-both", prompt="boat") == set() == listed(client, "A-both") == listed(client, "a-bot")
    assert listed(client, "a-both", sort="finished", status="finished") == {both, one}
    counted = client.get("/tasks", params={"tag": "a-both", "page_size": 1, "query": "history"})
    assert counted.headers["X-Total-Count"] == "2" and len(counted.json()["history"]) == 1
    assert [task["task_id"] for task in counted.json()["history"]] == [one]


def test_pending_tasks_are_filtered_by_tags(client: Client) -> None:
    ahead = client.submit(overwrite_step=60, tags=["ahead"])["task_id"]
    waiting = client.submit(tags=["waits"])["task_id"]
    client.until(ahead, "running")
    assert listed(client, "waits", query="pending") == {waiting}
    assert listed(client, "ahead", query="current") == {ahead}
    assert listed(client, "ahead", query="pending") == set()
    client.ended(waiting)


def test_a_deletion_by_tag_deletes_no_others(client: Client) -> None:
    gone, kept = client.draw(tags=["gone"])["task_id"], client.draw(tags=["kept"])["task_id"]
    empty = client.get("/tasks", params={"action": "delete", "start_at": "2020-01-01", "tag": " "})
    assert empty.status_code == 422 and empty.json()["errors"][0]["field"] == "tag"
    response = client.get("/tasks", params={"action": "delete", "start_at": "2020-01-01", "tag": "gone"})
    assert response.json()["deleted"] == 1
    assert client.get(f"/tasks/{gone}").status_code == 404 and client.get(f"/tasks/{kept}").status_code == 200
    assert listed(client, "gone") == set()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tags", ["a"] * 17, "16"),
        ("tags", ["x" * 65], "64"),
        ("tags", [""], "1"),
        ("tags", ["  "], "blank"),
        ("tags", ["a\nb"], "control"),
        ("tags", ["a\x00"], "control"),
        ("tags", "a", "list"),
        ("tags", [1], "string"),
        ("client_data", {"a": "x" * 4096}, "4096"),
        ("client_data", {"a": "图" * 1400}, "4096"),
        ("client_data", {"a": json.loads("[" * 32 + "]" * 32)}, "inside each other"),
        ("client_data", [1], "object"),
        ("client_data", "text", "object"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_too_much_is_refused_by_name(client: Client, field: str, value: Any, words: str) -> None:
    response = client.generate(**{field: value})
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["field"].startswith(field) and words in error["message"], error


def test_what_just_fits_is_taken(client: Client) -> None:
    tags = [f"{number:02d}" + "标" * 62 for number in range(16)]
    client.draw(client_data={"a": json.loads("[" * 31 + "]" * 31)})
    record = client.draw(tags=tags, client_data={"a": "x" * (4096 - len('{"a":""}'))})
    assert record["tags"] == tags and listed(client, tags[15]) == {record["task_id"]}
