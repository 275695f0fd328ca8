"""One queue for three nodes: each generates what it claims, and each shows and controls all tasks."""

from __future__ import annotations

from collections import Counter
from functools import partial
from urllib.parse import urlsplit

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.event_streams import Reader, reading

LONG = {"overwrite_step": 60}


def running_elsewhere(cluster: DemoCluster, **fields: object) -> tuple[str, Client]:
    """Start a task, and return its id and a client of a node that does not run it."""
    task_id = cluster.client().submit(**{**LONG, **fields})["task_id"]
    cluster.client().until(task_id, "running")
    ((node,),) = cluster.rows(f"SELECT node FROM task WHERE task_id = '{task_id}'")
    return task_id, cluster.client(0 if node != "node-1" else 1)


def names_of(stream: Reader, task_id: str) -> list[str]:
    return [event["event"] for event in stream.events if event["data"].get("task_id") == task_id]


def test_all_nodes_share_the_work(cluster: DemoCluster) -> None:
    ids = [
        cluster.client(number % 3).submit(prompt=f"cat {number}", overwrite_step=5)["task_id"] for number in range(18)
    ]
    for task_id in ids:
        record = cluster.client(1).ended(task_id)
        assert record["task_status"] == "finished" and len(record["images"]) == 1
    found = cluster.rows("SELECT task_id, node, attempts FROM task")
    nodes = Counter(node for task_id, node, attempts in found if task_id in ids and attempts == 1)
    assert sum(nodes.values()) == 18 and set(nodes) == {"node-1", "node-2", "node-3"}
    assert cluster.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_request_that_waits_gets_its_image_from_any_node(cluster: DemoCluster) -> None:
    for index in range(3):
        record = cluster.client(index).draw(prompt="waits", overwrite_step=3)
        assert record["task_status"] == "finished"


def test_a_stream_shows_the_steps_and_previews_of_another_node(cluster: DemoCluster) -> None:
    task_id, other = running_elsewhere(cluster)
    with reading(other, f"/tasks/{task_id}/events", preview_format="jpeg") as stream:
        stream.until("finished")
    steps = stream.of("progress")
    assert len(steps) > 3 and [step["progress"] for step in steps] == sorted(step["progress"] for step in steps)
    assert any(step.get("preview") for step in steps)
    assert len(stream.of("image")) == 1


def test_the_events_of_all_tasks_reach_each_node(cluster: DemoCluster) -> None:
    with reading(cluster.client(0), "/v1/events") as first, reading(cluster.client(2), "/v1/events") as second:
        task_id = cluster.client(1).draw(prompt="seen by all", overwrite_step=5)["task_id"]
        for stream in first, second:
            of_task = partial(names_of, stream, task_id)
            # The end of an earlier test's task may arrive before.
            wait_for(lambda of_task=of_task: "finished" in of_task(), "the end of the task")  # type: ignore[misc]
            names = of_task()
            assert names.count("queued") == names.count("started") == names.count("finished") == 1


def test_each_node_serves_the_images_of_all(cluster: DemoCluster) -> None:
    record = cluster.client(0).draw(prompt="seen everywhere", overwrite_step=3)
    (image,) = record["images"]
    path = urlsplit(image["url"]).path
    assert path.startswith("/outputs/node-")
    for index in range(3):
        url = cluster.client(index).task(record["task_id"])["images"][0]["url"]
        assert cluster.client(index).image(url).size == (256, 256)
    assert cluster.client(2).request("DELETE", f"/tasks/{record['task_id']}").status_code == 204
    for index in range(3):
        client = cluster.client(index)
        wait_for(lambda client=client: client.get(path).status_code == 404, "the image to be gone")  # type: ignore[misc]


def test_stop_from_another_node(cluster: DemoCluster) -> None:
    task_id, other = running_elsewhere(cluster, overwrite_step=150)
    assert other.post(f"/tasks/{task_id}/stop").status_code == 200
    assert other.ended(task_id)["task_status"] == "stopped"


def test_skip_from_another_node(cluster: DemoCluster) -> None:
    task_id, other = running_elsewhere(cluster, overwrite_step=100, image_number=2)
    assert other.post(f"/tasks/{task_id}/skip").status_code == 200
    record = other.ended(task_id)
    assert record["task_status"] == "finished" and len(record["images"]) <= 2


def test_waiting_tasks_are_withdrawn_and_moved_from_any_node(cluster: DemoCluster) -> None:
    client, other = cluster.client(0), cluster.client(1)
    assert client.post("/v1/engine/pause").status_code == 200
    wait_for(lambda: other.get("/v1/queue").json()["paused"], "the pause to be known")
    try:
        ids = [client.submit(prompt=f"waits {number}", overwrite_step=3)["task_id"] for number in range(4)]
        wait_for(lambda: order(other) == ids, "the other node to know all tasks")
        assert other.post(f"/tasks/{ids[3]}/move-to-front").status_code == 200
        wait_for(lambda: order(client) == [ids[3], *ids[:3]], "the move to be known")
        assert other.request("DELETE", f"/tasks/{ids[1]}").status_code == 200
        assert client.ended(ids[1])["task_status"] == "stopped"
        wait_for(lambda: order(client) == [ids[3], ids[0], ids[2]], "the withdrawal to be known")
        cluster.audit_claims()
    finally:
        other.post("/v1/engine/resume")
    for task_id in (ids[3], ids[0], ids[2]):
        assert client.ended(task_id)["task_status"] == "finished"
    assert cluster.claims() == [ids[3], ids[0], ids[2]]


def tags_of(client: Client, task_id: str) -> list[str]:
    found: list[str] = client.task(task_id).get("tags", [])
    return found


def test_tags_of_a_running_task_reach_all_nodes(cluster: DemoCluster) -> None:
    task_id, other = running_elsewhere(cluster, overwrite_step=200)
    for index in range(3):
        wait_for(lambda index=index: cluster.client(index).task(task_id)["task_status"] == "running", "the start")  # type: ignore[misc]
    assert other.request("PUT", f"/tasks/{task_id}/tags", json={"tags": ["b", "a"]}).status_code == 200
    for index in range(3):
        wait_for(lambda index=index: tags_of(cluster.client(index), task_id) == ["b", "a"], "the tags")  # type: ignore[misc]
    assert other.task(task_id)["task_status"] == "running"
    assert other.post(f"/tasks/{task_id}/stop").status_code == 200
    assert tags_of(cluster.client(), task_id) == ["b", "a"]
    other.ended(task_id)


def test_tags_of_a_waiting_task_reach_all_nodes_also_if_the_notice_is_lost(cluster: DemoCluster) -> None:
    client, other = cluster.client(0), cluster.client(1)
    assert client.post("/v1/engine/pause").status_code == 200
    try:
        task_id = client.submit(prompt="tagged", tags=["first"])["task_id"]
        wait_for(lambda: order(other) == [task_id], "the other node to know the task")
        assert client.request("PUT", f"/tasks/{task_id}/tags", json={"tags": ["second"]}).status_code == 200
        wait_for(lambda: tags_of(other, task_id) == ["second"], "the tags")
        cluster.change(
            """UPDATE task_parameters SET parameters = replace(parameters, '"second"', '"third"');"""
            "UPDATE task_tag SET tag = 'third' WHERE tag = 'second'"
        )
        cluster.server.hang_up()
        for one in client, other:
            wait_for(lambda one=one: tags_of(one, task_id) == ["third"], "the tags")  # type: ignore[misc]
        assert client.post(f"/tasks/{task_id}/stop").status_code == 200
    finally:
        client.post("/v1/engine/resume")


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_a_task_whose_row_is_refused_fails_alone(cluster: DemoCluster, action: str) -> None:
    client = cluster.client(0)
    assert client.post("/v1/engine/pause").status_code == 200
    try:
        ids = [client.submit(prompt="one of three", overwrite_step=3)["task_id"] for _ in range(3)]
        cluster.change(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;"
            f"CREATE TRIGGER refuse BEFORE UPDATE ON task FOR EACH ROW WHEN (OLD.task_id = '{ids[1]}') "
            "EXECUTE FUNCTION refuse()"
        )
        try:
            answer = client.post("/tasks/bulk", json={"ids": ids, "action": action})
        finally:
            cluster.change("DROP TRIGGER refuse ON task; DROP FUNCTION refuse")
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [one.get("outcome") or one["code"] for one in results] == [
            "cancelled",
            "database_unavailable",
            "cancelled",
        ]
        assert client.post(f"/tasks/{ids[1]}/stop").status_code == 200
    finally:
        client.post("/v1/engine/resume")


def order(client: Client) -> list[str]:
    return [one["task_id"] for one in client.get("/v1/queue").json()["waiting"]]
