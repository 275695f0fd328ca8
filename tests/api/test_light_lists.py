"""Lists for a page that shows many tasks: cards, without previews, in the order of the ends."""

from __future__ import annotations

from typing import Any

import pytest

from fooocus_api.tests.support.client import Client


def test_cards_are_short(client: Client) -> None:
    record = client.draw(prompt="a very long story " * 50, tags=["card"], image_number=2, image_seed=2**63 - 2)
    response = client.get("/tasks", params={"view": "card", "query": "history", "tag": "card"})
    [card] = response.json()["history"]
    image = record["images"][0]
    assert card == {
        **{
            name: record[name]
            for name in (
                "task_id",
                "task_status",
                "source",
                "in_queue_mills",
                "start_mills",
                "finish_mills",
                "progress",
            )
        },
        "prompt": ("a very long story " * 50)[:200],
        "saved_images": 2,
        "cover": image["url"],
        "width": image["width"],
        "height": image["height"],
        "seed_text": str(2**63 - 2),
        "tags": ["card"],
    }
    whole = client.get("/tasks", params={"query": "history", "tag": "card"})
    assert len(response.content) * 5 < len(whole.content)
    assert response.headers["X-Total-History"] == "1"


def test_a_running_tasks_card_has_its_stage(client: Client) -> None:
    task_id = client.submit(overwrite_step=60, image_number=2)["task_id"]
    waiting = client.submit()["task_id"]
    client.until(task_id, "running")
    lists = client.get("/tasks", params={"view": "card", "page_size": 1}).json()
    [card], pending = lists["current"], {card["task_id"]: card for card in lists["pending"]}
    assert card["task_id"] == task_id and card["image_count"] == 2 and card["started_at"] == card["start_mills"] > 0
    assert card["phase"] in ("loading", "preparing", "sampling") and "preview" in card
    assert pending[waiting]["phase"] == "queued" and pending[waiting]["queue_position"] == 0
    client.ended(waiting)


def test_previews_can_be_left_out(client: Client) -> None:
    task_id = client.submit(overwrite_step=60)["task_id"]
    client.until(task_id, "running")
    for view in ("full", "card"):
        without = client.get("/tasks", params={"query": "current", "previews": "false", "view": view}).json()["current"]
        assert [task["task_id"] for task in without] == [task_id] and "preview" not in without[0]
    assert "preview" in client.tasks(query="current")["current"][0]
    client.ended(task_id)


def test_the_order_of_the_ends(client: Client) -> None:
    first, second, third = (client.submit(tags=["ends"], overwrite_step=40)["task_id"] for _ in range(3))
    client.post(f"/tasks/{third}/stop")
    client.ended(second)

    def ids(**query: Any) -> list[str]:
        return [task["task_id"] for task in client.tasks(query="history", tag="ends", **query)["history"]]

    assert ids() == [third, second, first]
    assert ids(sort="finished") == [second, first, third]
    assert ids(sort="finished", page_size=1, page=1) == [first]
    ended = client.task(second)["finish_mills"]
    assert ids(sort="finished", finished_before=str(ended)) == [first, third]
    assert ids(sort="finished", status="stopped") == [third]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"sort": "finished", "prompt": "a"}, "prompt"),
        ({"finished_before": "1"}, "finished_before"),
        ({"sort": "finished", "finished_before": "soon"}, "finished_before"),
        ({"sort": "finished", "finished_before": "1", "action": "delete", "end_at": "2020-01-01"}, "finished_before"),
        ({"view": "tiny"}, "view"),
        ({"previews": "perhaps"}, "previews"),
        ({"tag": "x" * 65}, "tag"),
        ({"tag": ["x"] * 17}, "tag"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_by_name(client: Client, query: dict[str, Any], field: str) -> None:
    response = client.get("/tasks", params=query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(field), response.json()
