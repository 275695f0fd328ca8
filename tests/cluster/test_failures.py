"""Failures in a cluster, and their tasks: nothing is lost, and nothing ends twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest

from fooocus_api.cluster.nodes.caretaker import CARETAKER_LOCK
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.nodes import NODE_TIMEOUT_S, DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer

LONG = {"prompt": "a long one", "overwrite_step": 60}


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer) -> Iterator[DemoCluster]:
    with DemoCluster(durable_postgres, 3, step_ms=20) as nodes:
        nodes.audit()
        yield nodes


def running(cluster: DemoCluster, client: int = 0, **fields: object) -> tuple[str, int]:
    """Start a task, and return its id and the index of its node."""
    task_id = cluster.client(client).submit(**{**LONG, **fields})["task_id"]
    node = wait_for(
        lambda: (cluster.node_of(task_id) or 0) + 1 if cluster.node_of(task_id) is not None else 0, "a claim"
    )
    return task_id, node - 1


def other_than(node: int) -> int:
    return (node + 1) % 3


def restart(cluster: DemoCluster, node: int) -> None:
    cluster.nodes[node].start()


def ended_once(cluster: DemoCluster, task_id: str, status: str, attempts: int) -> None:
    """Check the record, that it has ended once, and that no job is left."""
    found = cluster.rows(f"SELECT status, attempts FROM task WHERE task_id = '{task_id}'")
    assert found == [(status, attempts)]
    assert cluster.ends()[task_id] == [status]
    assert cluster.rows(f"SELECT count(*) FROM procrastinate_jobs WHERE queue_name = '{task_id}'") == [(0,)]


def test_the_task_of_a_killed_node_is_generated_by_another(cluster: DemoCluster) -> None:
    task_id, node = running(cluster)
    cluster.nodes[node].kill()
    try:
        record = cluster.client(other_than(node)).ended(task_id)
        assert record["task_status"] == "finished" and cluster.node_of(task_id) != node
        ended_once(cluster, task_id, "finished", 2)
    finally:
        restart(cluster, node)


def test_a_task_that_ends_two_nodes_fails(cluster: DemoCluster) -> None:
    task_id, first = running(cluster)
    cluster.nodes[first].kill()
    try:
        second = (
            wait_for(
                lambda: (found := cluster.node_of(task_id)) is not None and found != first and found + 1,
                "the second claim",
            )
            - 1
        )
        cluster.nodes[second].kill()
        (left,) = {0, 1, 2} - {first, second}
        record = cluster.client(left).ended(task_id)
        assert record["task_status"] == "failed" and record["error"]["type"] == "Crashed"
        ended_once(cluster, task_id, "failed", 2)
    finally:
        restart(cluster, first)
        restart(cluster, second)


def test_a_node_that_starts_again_puts_its_task_back_at_once(cluster: DemoCluster) -> None:
    task_id, node = running(cluster)
    cluster.nodes[node].kill()
    restart(cluster, node)
    assert cluster.client(node).ended(task_id)["task_status"] == "finished"
    ended_once(cluster, task_id, "finished", 2)


def test_a_paused_node_is_fenced_off_when_it_comes_back(cluster: DemoCluster) -> None:
    task_id, node = running(cluster)
    other = cluster.client(other_than(node))
    with cluster.paused(node):
        assert other.ended(task_id)["task_status"] == "finished"
    wait_for(lambda: cluster.client(node).task(task_id)["task_status"] == "finished", "the node to know the end")
    wait_for(lambda: not stale(cluster, node), "its image to be deleted")
    ended_once(cluster, task_id, "finished", 2)


def test_a_task_that_was_deleted_while_its_node_was_paused_stays_deleted(cluster: DemoCluster) -> None:
    task_id, node = running(cluster)
    other = cluster.client(other_than(node))
    with cluster.paused(node):
        assert other.ended(task_id)["task_status"] == "finished"
        assert other.request("DELETE", f"/tasks/{task_id}").status_code == 204
    wait_for(lambda: other.draw(prompt="next")["node"] == f"node-{node + 1}", "the node to generate again")
    assert other.get(f"/tasks/{task_id}").status_code == 404
    assert cluster.rows(f"SELECT count(*) FROM task WHERE task_id = '{task_id}'") == [(0,)]
    wait_for(lambda: not stale(cluster, node), "its image to be deleted")


def stale(cluster: DemoCluster, node: int) -> set[object]:
    """Return the images of the node that no record names."""
    named = {path.rpartition("/")[2] for (path,) in cluster.rows("SELECT path FROM task_image")}
    return {path for path in cluster.nodes[node].images() if path.name not in named}


def test_the_database_restarts(cluster: DemoCluster, durable_postgres: PostgresServer) -> None:
    ids = [cluster.client(number % 3).submit(prompt="survives", overwrite_step=20)["task_id"] for number in range(9)]
    durable_postgres.restart_at_once()
    for task_id in ids:
        wait_for(partial(has_finished, cluster, task_id), f"{task_id} to finish")
        assert cluster.ends()[task_id] == ["finished"]
    assert cluster.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


@pytest.mark.parametrize("seconds", [2 * NODE_TIMEOUT_S + 1, pytest.param(40, marks=pytest.mark.nightly)])
def test_the_database_is_away_for_longer_than_the_timeout(
    cluster: DemoCluster, durable_postgres: PostgresServer, seconds: int
) -> None:
    ids = [cluster.client(number % 3).submit(prompt="survives", overwrite_step=20)["task_id"] for number in range(9)]
    durable_postgres.stop()
    time.sleep(seconds)
    durable_postgres.start()
    for task_id in ids:
        wait_for(partial(has_finished, cluster, task_id), f"{task_id} to finish")
        assert cluster.ends()[task_id] == ["finished"]
    assert cluster.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_running_task_is_named_and_finished_while_the_database_is_away(
    cluster: DemoCluster, durable_postgres: PostgresServer
) -> None:
    client = cluster.client()
    task_id = client.submit(prompt="named", save_name="poster", overwrite_step=60)["task_id"]
    wait_for(lambda: cluster.node_of(task_id) is not None, "a claim")
    host = cluster.nodes[cluster.node_of(task_id) or 0]
    durable_postgres.stop("immediate")
    try:
        wait_for(lambda: "the image gets a unique name" in host.log(), "the name")
    finally:
        durable_postgres.start()
    wait_for(partial(has_finished, cluster, task_id), "the task to finish")
    wait_for(lambda: client.get("/healthz").status_code == 200, "the node to be well")
    (url,) = client.task(task_id)["result"]
    assert "/poster-" in url and client.image(url).size == (256, 256)
    assert "Traceback" not in host.log()


def has_finished(cluster: DemoCluster, task_id: str) -> bool:
    return cluster.rows(f"SELECT status FROM task WHERE task_id = '{task_id}'") == [("finished",)]


def test_a_lost_notice_costs_seconds(cluster: DemoCluster) -> None:
    cluster.change("ALTER TABLE task DISABLE TRIGGER fooocus_task_changes, DISABLE TRIGGER fooocus_task_updates")
    try:
        record = cluster.client(0).draw(prompt="no notice", overwrite_step=5)
        assert record["task_status"] == "finished"
    finally:
        cluster.change("ALTER TABLE task ENABLE TRIGGER fooocus_task_changes, ENABLE TRIGGER fooocus_task_updates")


def caretaker(cluster: DemoCluster) -> int | None:
    """Return the index of the node that is the caretaker, None without one."""
    found = cluster.rows(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
        f"WHERE locktype = 'advisory' AND objid = {CARETAKER_LOCK} AND granted"
    )
    return int(found[0][0].rpartition("-")[2]) - 1 if found else None


def test_another_process_becomes_the_caretaker(cluster: DemoCluster) -> None:
    known = wait_for(lambda: (caretaker(cluster) or 0) + 1 if caretaker(cluster) is not None else 0, "a caretaker") - 1
    task_id, node = running(cluster)
    cluster.nodes[known].kill()
    if node != known:
        cluster.nodes[node].kill()
    try:
        left = min({0, 1, 2} - {known, node})
        assert cluster.client(left).ended(task_id)["task_status"] == "finished"
        assert caretaker(cluster) not in (None, known, node)
        ended_once(cluster, task_id, "finished", 2)
    finally:
        for one in {known, node}:
            restart(cluster, one)


def test_a_caretaker_that_hangs_is_relieved(cluster: DemoCluster) -> None:
    known = wait_for(lambda: (caretaker(cluster) or 0) + 1 if caretaker(cluster) is not None else 0, "a caretaker") - 1
    with cluster.paused(known):
        wait_for(lambda: caretaker(cluster) not in (None, known), "another caretaker")
