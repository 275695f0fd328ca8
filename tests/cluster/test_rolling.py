"""Nodes that leave and come back: they finish their tasks first, and run next to other versions with the same schema."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is another thing on Windows")
LONG = {"prompt": "a long one", "overwrite_step": 100}
SIGTERM_STATUS = 128 + signal.SIGTERM


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer) -> Iterator[DemoCluster]:
    with DemoCluster(durable_postgres, 2, step_ms=20) as nodes:
        nodes.audit()
        yield nodes


def state(cluster: DemoCluster, index: int) -> str:
    ((found,),) = cluster.rows(f"SELECT state FROM cluster_node WHERE name = 'node-{index + 1}'")
    return str(found)


def claimed(cluster: DemoCluster, **fields: object) -> tuple[str, int]:
    """Start a task, and return its id and the index of its node."""
    task_id = cluster.client().submit(**{**LONG, **fields})["task_id"]
    node = wait_for(lambda: cluster.node_of(task_id) is not None and cluster.node_of(task_id) + 1, "a claim")  # type: ignore[operator]
    return task_id, node - 1


def terminate(cluster: DemoCluster, index: int) -> None:
    process = cluster.nodes[index].process
    assert process is not None
    process.send_signal(signal.SIGTERM)


def status_of(cluster: DemoCluster, index: int) -> int:
    process = cluster.nodes[index].process
    assert process is not None
    return process.wait(60)


def test_a_node_finishes_its_task_before_it_ends(cluster: DemoCluster) -> None:
    task_id, node = claimed(cluster)
    other = 1 - node
    terminate(cluster, node)
    wait_for(lambda: state(cluster, node) == "draining", "the state to be seen")
    later = [cluster.client(node).submit(prompt="later", overwrite_step=5)["task_id"] for _ in range(4)]
    assert status_of(cluster, node) == SIGTERM_STATUS and state(cluster, node) == "stopped"
    record = cluster.client(other).task(task_id)
    assert record["task_status"] == "finished" and record["images"]
    assert cluster.client(other).image(record["images"][0]["url"]).size == (256, 256)
    assert cluster.rows(f"SELECT node, attempts FROM task WHERE task_id = '{task_id}'") == [(f"node-{node + 1}", 1)]
    for one in later:
        assert cluster.client(other).ended(one)["task_status"] == "finished" and cluster.node_of(one) == other
    cluster.nodes[node].start()


@pytest.mark.parametrize(
    "second", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.nightly)], ids=["SIGTERM", "Ctrl-C"]
)
def test_a_second_signal_ends_it_at_once(cluster: DemoCluster, second: signal.Signals) -> None:
    task_id, node = claimed(cluster, overwrite_step=200)
    other = 1 - node
    terminate(cluster, node)
    wait_for(lambda: state(cluster, node) == "draining", "the drain")
    process = cluster.nodes[node].process
    assert process is not None
    process.send_signal(second)
    status_of(cluster, node)
    assert cluster.ends().get(task_id) is None
    assert cluster.client(other).ended(task_id)["task_status"] == "finished" and cluster.node_of(task_id) == other
    assert cluster.ends()[task_id] == ["finished"]
    cluster.nodes[node].start()


def test_nodes_of_another_version_are_named_once(cluster: DemoCluster) -> None:
    cluster.change("UPDATE cluster_node SET version = '0.0.1' WHERE name = 'node-2'")
    text = "another process of the cluster has another version"
    wait_for(lambda: text in cluster.nodes[0].log(), "the warning")
    assert cluster.client(0).draw(prompt="together", overwrite_step=3)["task_status"] == "finished"
    assert cluster.nodes[0].log().count(text) == 1 and "0.0.1" in cluster.nodes[0].log()


@pytest.mark.nightly
@pytest.mark.parametrize("setting", ["cluster_schema", "procrastinate_migration"])
def test_a_newer_schema_waits_until_all_others_have_ended(cluster: DemoCluster, setting: str) -> None:
    (newest,) = cluster.rows(f"SELECT value FROM setting WHERE name = '{setting}'")
    older = "0" if setting == "cluster_schema" else newest[0][:-1] + " "  # just before the newest file's name
    cluster.nodes[1].stop()
    cluster.change(f"UPDATE setting SET value = '{older}' WHERE name = '{setting}'")
    cluster.nodes[1].start()
    info = cluster.client(1).get("/v1/info").json()
    assert not info["supported"] and "other nodes use it" in info["problem"], info
    if setting == "cluster_schema":
        cluster.nodes[1].stop()
        cluster.nodes[0].stop()
        cluster.nodes[1].start()
        assert cluster.client(1).get("/v1/info").json()["supported"]
        assert cluster.rows(f"SELECT value FROM setting WHERE name = '{setting}'") == [newest]
        cluster.nodes[0].start()
    else:
        cluster.change(f"UPDATE setting SET value = '{newest[0]}' WHERE name = '{setting}'")
        cluster.nodes[1].stop()
        cluster.nodes[1].start()


def test_an_older_version_does_not_join(cluster: DemoCluster) -> None:
    cluster.nodes[1].stop()
    cluster.change("UPDATE setting SET value = '999' WHERE name = 'cluster_schema'")
    try:
        cluster.nodes[1].start()
        info = cluster.client(1).get("/v1/info").json()
        assert not info["supported"] and "update the extension" in info["problem"], info
    finally:
        cluster.change("UPDATE setting SET value = '1' WHERE name = 'cluster_schema'")
