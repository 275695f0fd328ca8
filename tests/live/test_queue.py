"""The queue as clients see it: places, reasons, moves, actions on many tasks, and the pause, in step with the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, Record, wait_for
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

ALSO = "queue,deleted,moved,download,model,stats"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=20) as running:
        yield running


@pytest.fixture(scope="module")
def admin(host: Host) -> Client:
    return add_key(host, "admin", "--scopes", "generate,read-all,control,admin")


@pytest.fixture(scope="module")
def shop(host: Host, admin: Client) -> Client:
    return add_key(host, "shop", "--scopes", "generate,read,control")


@pytest.fixture
def paused(admin: Client) -> Iterator[Client]:
    """Hold the queue of an idle host back, and empty it at the end."""
    assert admin.post("/v1/engine/pause").json() == {"paused": True}
    yield admin
    if ids := waiting(admin):
        assert bulk(admin, "cancel", ids)["failed"] == 0
    assert admin.post("/v1/engine/resume").json() == {"paused": False}
    admin.has_tasks(running=0)


def queue(client: Client) -> dict[str, Any]:
    response = client.get("/v1/queue")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def waiting(client: Client) -> list[str]:
    return [card["task_id"] for card in queue(client)["waiting"]]


def reasons(client: Client) -> list[tuple[str, str | None]]:
    return [(card["reason"], card["turn_of"]) for card in queue(client)["waiting"]]


def submit(client: Client, number: int = 1, **fields: Any) -> list[str]:
    return [client.submit(**fields)["task_id"] for _ in range(number)]


def bulk(client: Client, action: str, ids: list[str], **fields: Any) -> dict[str, Any]:
    response = client.post("/tasks/bulk", json={"ids": ids, "action": action, **fields})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def move(client: Client, task_id: str, before: str | None) -> Record:
    response = client.post(f"/tasks/{task_id}/move", json={"before": before})
    assert response.status_code == 200, response.text
    found: Record = response.json()
    return found


def starts(client: Client, ids: list[str]) -> list[str]:
    """Wait for the ends of these tasks, and return them in the order of their starts."""
    return sorted(ids, key=lambda task_id: int(client.ended(task_id)["start_mills"]))


def test_the_reasons_are_those_of_the_worker(paused: Client, shop: Client) -> None:
    first, second = submit(paused, 2)
    [own] = submit(shop)
    [urgent] = submit(paused, priority=5)
    [moved] = submit(paused)
    move(paused, moved, urgent)
    order = [moved, urgent, own, first, second]
    view = queue(paused)
    assert [card["task_id"] for card in view["waiting"]] == order and view["paused"] and view["running"] == []
    assert reasons(paused)[:3] == [("moved", None), ("priority", None), ("turn", "shop")], reasons(paused)
    assert [card["position"] for card in view["waiting"]] == [0, 1, 2, 3, 4]
    assert {card["eta_seconds"] for card in view["waiting"]} == {None} and view["waiting_total"] == 5
    paused.post("/v1/engine/resume")
    assert starts(paused, order) == order


def test_a_key_sees_its_own_tasks_and_the_numbers_of_the_others(paused: Client, shop: Client) -> None:
    others = submit(paused, 3)
    [own] = submit(shop)
    view = queue(shop)
    assert [(card["task_id"], card["position"]) for card in view["waiting"]] == [(own, waiting(paused).index(own))]
    ahead = view["waiting"][0]["position"]
    assert view["others"] == {"running": 0, "waiting": 3, "ahead": ahead} and view["waiting_total"] == 1
    assert shop.post(f"/tasks/{own}/move", json={"before": others[0]}).status_code == 404
    assert shop.post(f"/tasks/{others[0]}/move", json={"before": None}).status_code == 404
    results = bulk(shop, "cancel", [own, others[0]])["results"]
    assert results == [
        {"task_id": own, "ok": True, "outcome": "cancelled"},
        {
            "task_id": others[0],
            "ok": False,
            "code": "task_not_found",
            "status": 404,
            "detail": f"task {others[0]} does not exist",
        },
    ]


def test_a_task_is_moved_to_any_place(paused: Client) -> None:
    a, b, c, d = submit(paused, 4)
    move(paused, d, b)
    assert waiting(paused) == [a, d, b, c]
    assert move(paused, a, None)["queue_position"] == 3
    assert waiting(paused) == [d, b, c, a]
    [later] = submit(paused)
    assert waiting(paused) == [d, b, c, a, later]
    move(paused, later, d)
    assert waiting(paused) == [later, d, b, c, a]
    move(paused, later, None)
    order = [d, b, c, a, later]
    assert waiting(paused) == order
    paused.post("/v1/engine/resume")
    assert starts(paused, order) == order


@pytest.mark.parametrize("body", [{}, {"before": None, "after": None}, {"before": 1}, [], {"before": "x" * 200}])
def test_a_wrong_move_is_refused(paused: Client, body: object) -> None:
    [task_id] = submit(paused)
    assert paused.post(f"/tasks/{task_id}/move", json=body).status_code == 422
    assert paused.post(f"/tasks/{task_id}/move", json={"before": task_id}).status_code == 422


def test_only_what_waits_is_moved(paused: Client) -> None:
    ended = paused.get("/tasks", params={"query": "history", "page_size": 1}).json()["history"][0]["task_id"]
    [task_id] = submit(paused)
    for one, before in ((ended, task_id), (task_id, ended), (ended, None)):
        response = paused.post(f"/tasks/{one}/move", json={"before": before})
        assert response.status_code == 409 and response.json()["code"] == "wrong_task_status"
    assert paused.post(f"/tasks/{task_id}/move", json={"before": "0" * 32}).status_code == 404


def test_many_tasks_have_a_result_each(paused: Client) -> None:
    a, b, c = submit(paused, 3)
    front = bulk(paused, "front", [c, b, "0" * 32])
    assert (front["done"], front["failed"]) == (2, 1) and waiting(paused) == [c, b, a]
    assert front["results"][2]["code"] == "task_not_found"
    assert bulk(paused, "cancel", [b])["results"][0]["outcome"] == "cancelled"
    paused.ended(b)
    again = bulk(paused, "cancel", [b])["results"][0]
    assert (again["code"], again["status"]) == ("wrong_task_status", 409)
    tagged = bulk(paused, "tag", [a, b], tags=["star", "x"])
    assert [result["outcome"] for result in tagged["results"]] == ["tagged", "tagged"]
    bulk(paused, "tag", [a], tags=["y"], remove_tags=["x"])
    assert paused.task(a)["tags"] == ["star", "y"] and paused.task(b)["tags"] == ["star", "x"]
    found = paused.tasks(tag="star", query="all")
    assert [task["task_id"] for task in (*found["pending"], *found["history"])] == [a, b]
    many = [f"tag {number}" for number in range(16)]
    refused = bulk(paused, "tag", [a], tags=many)["results"][0]
    assert refused["code"] == "invalid_fields" and paused.task(a)["tags"] == ["star", "y"]
    assert paused.request("PUT", f"/tasks/{b}/tags", json={"tags": []}).status_code == 200
    assert not paused.task(b).get("tags")
    deleted = bulk(paused, "delete", [a, b])["results"]
    assert [result["outcome"] for result in deleted] == ["cancelled", "deleted"]
    assert paused.get(f"/tasks/{b}").status_code == 404 and paused.ended(a)["task_status"] == "stopped"


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("ids", {"ids": [], "action": "cancel"}),
        ("ids", {"ids": ["a", "a"], "action": "cancel"}),
        ("ids", {"ids": [str(number) for number in range(1001)], "action": "cancel"}),
        ("action", {"ids": ["a"], "action": "stop"}),
        ("tags", {"ids": ["a"], "action": "tag"}),
        ("tags", {"ids": ["a"], "action": "delete", "tags": ["x"]}),
        ("limit", {"ids": ["a"], "action": "delete", "limit": 1}),
    ],
)
def test_a_wrong_action_on_many_is_refused(admin: Client, field: str, body: dict[str, Any]) -> None:
    response = admin.post("/tasks/bulk", json=body)
    assert response.status_code == 422 and [error["field"] for error in response.json()["errors"]] == [field]


def test_a_paused_queue_lets_the_running_task_end(admin: Client) -> None:
    [running] = submit(admin, overwrite_step=20)
    admin.until(running, "running")
    admin.post("/v1/engine/pause")
    [held] = submit(admin)
    assert admin.ended(running)["task_status"] == "finished"
    assert admin.post("/v1/engine/unload").status_code == 200, "jobs are not held back"
    assert admin.task(held)["task_status"] == "pending" and admin.get("/v1/info").json()["paused"]
    assert "fooocus_api_paused 1.0" in admin.get("/metrics").text
    admin.post("/v1/engine/resume")
    assert admin.ended(held)["task_status"] == "finished" and not admin.get("/v1/info").json()["paused"]


def test_subscribers_get_no_other_events_unless_they_ask(admin: Client) -> None:
    with reading(admin, "/v1/events", previews="false") as plain, reading(admin, "/v1/events", also=ALSO) as all_of_it:
        record = admin.draw()
        admin.request("DELETE", f"/tasks/{record['task_id']}")
        all_of_it.until("deleted")
        names = set(plain.names())
    assert names <= {"queued", "started", "progress", "image", "finished"}
    assert {"queue", "model", "stats", "deleted", "finished"} <= set(all_of_it.names())
    later = all_of_it.events[1:]  # the reader gives the first event the id of the stream's beginning
    assert all("id" not in event for event in later if event["event"] in ALSO.split(","))
    assert all_of_it.of("deleted") == [{"task_ids": [record["task_id"]]}]
    assert all_of_it.of("model")[-1]["loaded"] and all_of_it.of("model")[-1]["model"]
    assert all_of_it.of("stats")[0].keys() >= {"at", "images", "memory", "disk_free"}


def test_the_queue_event_follows_each_change(paused: Client, shop: Client) -> None:
    with (
        reading(paused, "/v1/events", also="queue,moved", previews="false") as reader,
        reading(shop, "/v1/events", also="queue,moved,deleted", previews="false") as own,
    ):
        assert reader.until("queue")["waiting"] == []
        a, b = submit(paused, 2)

        def order() -> list[str]:
            return [one["task_id"] for one in reader.of("queue")[-1]["waiting"]]

        wait_for(lambda: order() == [a, b], "both tasks in an event")
        move(paused, b, a)
        wait_for(lambda: order() == [b, a], "the new order in an event")
        assert reader.of("queue")[-1]["waiting"][0]["reason"] == "moved"
        moved = reader.until("moved")
        assert (moved["task_id"], moved["queue_position"]) == (b, 0)
        wait_for(lambda: own.of("queue")[-1]["others"]["waiting"] == 2, "the number of the others")
        assert own.of("queue")[-1]["waiting"] == [] and own.of("moved") == []


def test_deletions_during_a_cut_are_repeated(admin: Client, shop: Client) -> None:
    gone, kept = admin.draw(), admin.draw()
    with reading(admin, "/v1/events", also="deleted") as reader:
        admin.draw()
        reader.until("finished")
        last = [event["id"] for event in reader.events if "id" in event][-1]
    bulk(admin, "delete", [gone["task_id"], kept["task_id"]])
    with reading(admin, "/v1/events", last=last, also="deleted") as again:
        assert set(again.until("deleted")["task_ids"]) == {gone["task_id"], kept["task_id"]}
        assert "dropped" not in again.names()
    with reading(shop, "/v1/events", last=last, also="deleted,queue") as other:
        other.until("queue")
        assert other.of("deleted") == []


@pytest.mark.parametrize(("also", "status"), [("queue,rows", 422), ("stats", 403), ("download", 403), ("queue", 200)])
def test_the_names_of_events_are_checked(shop: Client, also: str, status: int) -> None:
    with shop.get("/v1/events", params={"also": also}, stream=True) as response:
        assert response.status_code == status
        if status == 422:
            assert response.json()["errors"][0]["allowed"] == ALSO.split(",")


def test_statistics_have_a_column_for_each_member(admin: Client) -> None:
    before = admin.get("/v1/stats").json()
    admin.draw(overwrite_step=4)
    after = admin.get("/v1/stats", params={"hours": 1}).json()
    assert after["interval_seconds"] == 60
    lengths = {len(values) for name, values in after.items() if name != "interval_seconds"}
    assert len(lengths) == 1 and sum(after["images"]) >= sum(before["images"]) + 1
    assert any(seconds > 0 for seconds in after["step_seconds"] if seconds is not None)
    assert after["memory"][-1] > 2**20 and after["disk_free"][-1] > 0
    assert admin.get("/v1/stats", params={"hours": 25}).status_code == 422


def test_order_and_pause_outlast_a_restart() -> None:
    with demo_host(step_ms=20) as host:
        client = Client(host.url)
        client.post("/v1/engine/pause")
        a, b, c, d = submit(client, 4)
        move(client, c, a)
        move(client, b, None)
        [later] = submit(client)
        order = [c, a, d, b, later]
        assert waiting(client) == order
        host.kill()
        host.start()
        client = Client(host.url)
        assert queue(client)["paused"] and waiting(client) == order
        client.post("/v1/engine/resume")
        assert starts(client, order) == order
