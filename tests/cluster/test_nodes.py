"""`GET /v1/nodes`, the metrics of nodes, and the places and times of tasks of several nodes at once."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.event_streams import reading

LONG = {"overwrite_step": 200, "image_number": 20}
NAMES = ["node-1", "node-2", "node-3"]


def nodes(client: Client) -> dict[str, dict[str, Any]]:
    response = client.get("/v1/nodes")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["cluster"] is True
    return {one["name"]: one for one in answer["nodes"]}


@pytest.fixture
def three_running(cluster: DemoCluster) -> Iterator[list[str]]:
    """Run one task on each node, and stop them at the end."""
    client = cluster.client()
    wait_for(lambda: all(one["state"] == "idle" for one in nodes(client).values()), "the nodes to have started")
    ids = [client.submit(prompt=f"long {number}", **LONG)["task_id"] for number in range(3)]
    wait_for(lambda: len(client.get("/v1/queue").json()["running"]) == 3, "three running tasks")
    yield ids
    for task_id in ids:
        client.post(f"/tasks/{task_id}/stop")
    for task_id in ids:
        client.ended(task_id)


def test_each_process_names_all_of_them(cluster: DemoCluster) -> None:
    for index, name in enumerate(NAMES):
        found = nodes(cluster.client(index))
        assert list(found) == NAMES
        assert [one["this"] for one in found.values()] == [one == name for one in NAMES]
        wait_for(
            lambda: sum(one["caretaker"] for one in nodes(cluster.client()).values()) == 1, "there to be one caretaker"
        )
        for one in found.values():
            assert one["role"] == "node" and one["heartbeat_seconds"] >= 0 and one["started_mills"] > 0
            assert re.fullmatch(r"\d+\.\d+\.\d+\S*", one["version"])
    wait_for(lambda: all(one["url"] for one in nodes(cluster.client()).values()), "the addresses to be known")


def test_running_tasks_are_named_with_their_nodes(cluster: DemoCluster, three_running: list[str]) -> None:
    for index in range(3):
        client = cluster.client(index)
        wait_for(lambda one=client: len(one.get("/v1/queue").json()["running"]) == 3, "all to be known")  # type: ignore[misc]
        cards = client.get("/v1/queue").json()["running"]
        assert {card["task_id"] for card in cards} == set(three_running)
        assert sorted(card["node"] for card in cards) == NAMES
        found = nodes(client)
        assert {one["running"][0]["task_id"] for one in found.values()} == set(three_running)
        assert {one["state"] for one in found.values()} == {"busy"}
        assert client.get("/v1/info").json()["tasks"]["running"] == 3
        for card in cards:
            assert client.task(card["task_id"])["node"] == card["node"]
    with reading(cluster.client(1), "/v1/events") as stream:
        stream.until("progress")
        assert stream.of("progress")[0]["node"] in NAMES


def test_a_waiting_task_ends_after_the_node_that_is_free_first(cluster: DemoCluster) -> None:
    client = cluster.client()
    for number in range(6):  # each process learns from the rows of the others' tasks
        client.draw(prompt=f"measured {number}", overwrite_step=20)
    ids = [client.submit(prompt=f"timed {number}", overwrite_step=100)["task_id"] for number in range(9)]
    wait_for(lambda: len(client.get("/v1/queue").json()["running"]) == 3, "three running tasks")
    try:
        waiting = client.get("/v1/queue").json()["waiting"]
        times = [one["eta_seconds"] for one in waiting]
        assert len(times) == 6 and None not in times
        # Three at a time: the sixth ends about two tasks after the three that run, not six.
        assert times[5] < 3.2 * min(times)
    finally:
        for task_id in reversed(ids):
            client.post(f"/tasks/{task_id}/stop")
        for task_id in ids:
            client.ended(task_id)


def test_metrics_have_gauges_of_each_node(cluster: DemoCluster, three_running: list[str]) -> None:
    def has(line: str) -> bool:
        return line in cluster.client(2).get("/metrics").text

    for name in NAMES:
        wait_for(lambda one=name: has(f'fooocus_api_node_up{{node="{one}",role="node"}} 1.0'), "it to be up")  # type: ignore[misc]
        wait_for(lambda one=name: has(f'fooocus_api_node_busy{{node="{one}",role="node"}} 1.0'), "it to be busy")  # type: ignore[misc]
    wait_for(lambda: has("fooocus_api_tasks_running 3.0"), "all to be known")
    assert "fooocus_api_node_heartbeat_age_seconds{" in cluster.client(2).get("/metrics").text


def test_each_node_says_which_it_is_and_gives_the_queue_the_same_name(cluster: DemoCluster) -> None:
    for index, name in enumerate(NAMES):
        lines = cluster.client(index).get("/metrics").text.splitlines()
        info = [line for line in lines if line.startswith("fooocus_api_process_info{")]
        assert info == [f'fooocus_api_process_info{{node="{name}",queue="{NAMES[0]}",role="node"}} 1.0']


def test_a_node_without_heartbeats_is_lost(cluster: DemoCluster) -> None:
    with cluster.paused(2):
        wait_for(lambda: nodes(cluster.client())["node-3"]["state"] == "lost", "the node to be lost")
        lost = nodes(cluster.client())["node-3"]
        assert lost["heartbeat_seconds"] > 3 and lost["running"] == [] and lost["loaded"] == []
    wait_for(lambda: nodes(cluster.client())["node-3"]["state"] == "idle", "the node to be back")


def test_a_node_leaves_a_task_that_another_has_by_now(cluster: DemoCluster) -> None:
    client = cluster.client()
    task_id = client.submit(prompt="taken over", overwrite_step=200, image_number=10)["task_id"]
    client.until(task_id, "running")
    index = cluster.node_of(task_id)
    assert index is not None
    other = cluster.client((index + 1) % 3)
    try:
        with cluster.paused(index):
            wait_for(lambda: cluster.node_of(task_id) not in (None, index), "another node to have the task")
            other.until(task_id, "running")
        state = f"SELECT state FROM cluster_node WHERE name = '{NAMES[index]}'"
        wait_for(lambda: cluster.rows(state) == [("idle",)], "the node to be free")
        # It had generated less than the other one had to: at its own end, that one would be nearly through.
        assert other.task(task_id)["progress"] < 60
    finally:
        other.post(f"/tasks/{task_id}/stop")
        assert other.ended(task_id)["attempts"] == 2


def test_a_node_that_has_ended_is_shown_as_stopped(cluster: DemoCluster) -> None:
    process = cluster.nodes[2].process
    assert process is not None
    process.send_signal(signal.SIGINT)
    wait_for(lambda: nodes(cluster.client())["node-3"]["state"] == "stopped", "the node to have stopped")
    process.wait(60)
    wait_for(lambda: 'node="node-3"' not in cluster.client().get("/metrics").text, "its gauges to be gone")
