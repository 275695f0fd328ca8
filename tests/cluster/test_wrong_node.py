"""A cluster with a node whose clock is two minutes off, and whose disk is full.

All nodes have Fooocus's `asyncio.wait_for`, which waits for 18 hours: the demo replaces it, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.databases.small_disk import SmallDisk
from fooocus_api.tests.support.host import ROOT

SHIFTED = {"PYTHONPATH": str(ROOT / "tests" / "support" / "clusters" / "shifted_clock"), "CLOCK_SHIFT_S": "-120"}
DISK_MIB = 160


@pytest.fixture(scope="module")
def disk() -> None:
    if reason := SmallDisk.why_not():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def cluster(disk: None, durable_postgres: PostgresServer) -> Iterator[tuple[DemoCluster, SmallDisk]]:
    nodes = DemoCluster(durable_postgres, 2, first=SHIFTED, step_ms=20)
    with SmallDisk(nodes.nodes[0].outputs, DISK_MIB) as small, nodes:
        nodes.audit()
        yield nodes, small


def ids_of(cluster: DemoCluster, number: int) -> list[str]:
    return [cluster.client(turn % 2).submit(prompt="a cat", overwrite_step=5)["task_id"] for turn in range(number)]


def running_on_the_first(cluster: DemoCluster) -> str:
    """Submit a task for each node, and return the id of that of the first one once both run."""
    client = cluster.client(1)
    ids = [client.submit(prompt="long", overwrite_step=80)["task_id"] for _ in range(2)]
    for task_id in ids:
        client.until(task_id, "running")
    (found,) = (task_id for task_id in ids if cluster.node_of(task_id) == 0)
    return str(found)


def nodes_of(cluster: DemoCluster, ids: list[str]) -> set[tuple[str, int]]:
    """Return the nodes of these tasks, which have all finished once."""
    for task_id in ids:
        assert cluster.client(1).ended(task_id)["task_status"] == "finished"
        assert cluster.ends()[task_id] == ["finished"]
    found = cluster.rows("SELECT task_id, node, attempts FROM task")
    return {(node, attempts) for task_id, node, attempts in found if task_id in ids}


def test_a_clock_that_is_wrong_costs_no_task(cluster: tuple[DemoCluster, SmallDisk]) -> None:
    nodes, _ = cluster
    off = nodes.client(0).get("/v1/info")
    assert off.status_code == 200
    assert nodes_of(nodes, ids_of(nodes, 12)) == {("node-1", 1), ("node-2", 1)}
    ((started, other),) = nodes.rows(
        "SELECT max(started_at) FILTER (WHERE node = 'node-1'), min(started_at) FILTER (WHERE node = 'node-2') FROM task"
    )
    assert started < other - 60_000  # the clock is off indeed


@pytest.mark.nightly
def test_the_task_of_a_killed_node_with_a_wrong_clock(cluster: tuple[DemoCluster, SmallDisk]) -> None:
    nodes, _ = cluster
    lost = running_on_the_first(nodes)
    nodes.nodes[0].kill()
    try:
        assert nodes.client(1).ended(lost)["task_status"] == "finished"
        assert nodes.rows(f"SELECT node, attempts FROM task WHERE task_id = '{lost}'") == [("node-2", 2)]
        assert nodes.ends()[lost] == ["finished"]
    finally:
        nodes.nodes[0].start()


def test_the_task_of_a_node_whose_disk_fills_is_generated_by_another(cluster: tuple[DemoCluster, SmallDisk]) -> None:
    nodes, disk = cluster
    moved = running_on_the_first(nodes)
    with disk.full():
        assert nodes.client(1).ended(moved)["task_status"] == "finished"
        wait_for(lambda: state_of_the_first(nodes) == "full", "the node to say why it takes no task")
    assert nodes.rows(f"SELECT node, attempts FROM task WHERE task_id = '{moved}'") == [("node-2", 2)]
    assert nodes.ends()[moved] == ["finished"] and len(nodes.client(1).task(moved)["images"]) == 1
    assert nodes.client(0).task(moved)["task_status"] == "finished"
    wait_for(lambda: state_of_the_first(nodes) == "idle", "the node to have room again")


def state_of_the_first(cluster: DemoCluster) -> str:
    (state,) = (one["state"] for one in cluster.client(1).get("/v1/nodes").json()["nodes"] if one["name"] == "node-1")
    return str(state)


def test_a_node_with_a_full_disk_takes_no_task(cluster: tuple[DemoCluster, SmallDisk]) -> None:
    nodes, disk = cluster
    with disk.full():
        ids = ids_of(nodes, 8)
        assert nodes_of(nodes, ids) == {("node-2", 1)}
    more = ids_of(nodes, 10)
    wait_for(
        lambda: any(nodes.node_of(task_id) == 0 for task_id in [*more, *ids_of(nodes, 1)]), "the node to claim again"
    )
