"""Nodes that leave and come back: they finish their tasks first, and run next to other versions with the same schema.

A preset's missing files are downloaded by the node that has accepted the task, and by no other process.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.api.test_downloads import PADDED, Files, serving
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import DEMO
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

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


# ------------------------------------------------------------------- downloads


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def apart(durable_postgres: PostgresServer, files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """Start two nodes with folders of their own and a gateway, of which the first node alone reaches the server of files."""
    folder = tmp_path_factory.mktemp("apart")
    checkouts = [copy_checkout(DEMO, folder / name) for name in ("first", "second")]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("http_proxy", "http://127.0.0.1:9")
        environment.setenv("no_proxy", "127.0.0.1")
        first = {"no_proxy": "127.0.0.1,localhost"}
        cluster = DemoCluster(durable_postgres, 2, gateways=1, first=first, checkouts=checkouts, step_ms=20)
        apart = Apart(cluster, files)
        for name in "late", "there", "rows":
            apart.want(name)
        (apart.models(1) / "there.safetensors").write_bytes(PADDED)
        with cluster:
            known_nodes(cluster.gateways[0])
            yield apart


class Apart:
    """The cluster, and presets of its first node that need a file, of which half comes before `files.go_on` is set."""

    def __init__(self, cluster: DemoCluster, files: Files) -> None:
        self.cluster, self.files = cluster, files

    def models(self, index: int) -> Path:
        return self.cluster.nodes[index].checkout / "models" / "checkpoints"

    def want(self, name: str) -> None:
        url = f"http://localhost:{self.files.server_port}/slow/{name}"
        content = {"default_model": f"{name}.safetensors", "checkpoint_downloads": {f"{name}.safetensors": url}}
        preset = self.cluster.nodes[0].checkout / "presets" / f"{name}.json"
        preset.write_text(json.dumps(content), "utf-8")

    def asked(self, name: str) -> int:
        return self.files.asked.count(f"/slow/{name}")

    def found(self, name: str) -> list[str]:
        """Return the names of the files of a download that are in the first node's folder."""
        return sorted(path.name for path in self.models(0).glob(f"{name}.*"))

    def is_coming(self, name: str) -> bool:
        return any(found.endswith(".part") for found in self.found(name))

    def restart(self, *indices: int) -> None:
        for index in indices:
            self.cluster.nodes[index].kill()
        for index in indices:
            self.cluster.nodes[index].start()

    def caretaker(self) -> str | None:
        nodes = Client(self.cluster.gateways[0].url).get("/v1/nodes").json()["nodes"]
        return next((node["name"] for node in nodes if node["caretaker"]), None)


def reason(client: Client, task_id: str) -> str | None:
    waiting = client.get("/v1/queue").json()["waiting"]
    return next((one["reason"] for one in waiting if one["task_id"] == task_id), None)


def test_a_task_waits_for_the_node_that_downloads_its_files(apart: Apart) -> None:
    apart.files.go_on.clear()
    client, other = apart.cluster.client(0), apart.cluster.client(1)
    task_id = client.submit(preset="late", overwrite_step=3)["task_id"]
    wait_for(lambda: client.task(task_id)["progress"] == 50, "half of the file")
    assert apart.is_coming("late")
    apart.restart(1)
    wait_for(lambda: reason(other, task_id) == "download", "the reason")
    assert other.draw(prompt="another one", overwrite_step=3)["task_status"] == "finished"
    assert client.task(task_id)["progress"] == 50 and apart.asked("late") == 1
    apart.cluster.nodes[0].kill()
    wait_for(lambda: reason(other, task_id) == "no_node", "the loss of the node")
    gateway = Client(apart.cluster.gateways[0].url)
    wait_for(lambda: reason(gateway, task_id) == "no_node", "the loss to be known at the gateway")
    apart.files.go_on.set()
    apart.cluster.nodes[0].start()
    assert other.ended(task_id)["task_status"] == "finished" and apart.cluster.node_of(task_id) == 0
    assert apart.asked("late") == 2 and apart.found("late") == ["late.safetensors"]


def test_a_task_that_another_node_takes_is_stopped_there_and_not_downloaded_for(apart: Apart) -> None:
    apart.files.go_on.clear()
    client = apart.cluster.client(0)
    assert (
        client.post("/v1/engine/pause").status_code == 200
    )  # the other node takes the task once the download has begun
    task_id = client.submit(preset="there", overwrite_step=200, image_number=4)["task_id"]
    wait_for(lambda: apart.is_coming("there"), "the download to begin")
    assert client.post("/v1/engine/resume").status_code == 200
    client.until(task_id, "running")
    assert apart.cluster.node_of(task_id) == 1
    assert client.post(f"/tasks/{task_id}/stop").status_code == 200
    assert apart.cluster.client(1).ended(task_id)["task_status"] == "stopped"
    assert client.ended(task_id)["task_status"] == "stopped"
    apart.files.go_on.set()
    wait_for(lambda: not apart.is_coming("there"), "the end of the download")
    assert apart.found("there") == []


def test_the_node_that_took_a_batch_downloads_for_its_rows(apart: Apart) -> None:
    apart.files.go_on.set()
    apart.cluster.nodes[0].kill()
    apart.cluster.nodes[1].kill()
    wait_for(lambda: apart.caretaker() == "gateway-1", "the gateway to be the caretaker")
    for node in apart.cluster.nodes:
        node.start()
    client = apart.cluster.client(0)
    rows = "prompt,preset,overwrite_step\nfirst,rows,3\nsecond,rows,3\n"
    batch = client.post("/v1/batches", data=rows, headers={"Content-Type": "text/csv"})
    assert batch.status_code == 202, batch.text
    client, path = apart.cluster.client(1), f"/v1/batches/{batch.json()['batch_id']}"
    record = wait_for(
        lambda: (found := client.get(path).json())["status"] != "running" and found, "the end of the batch"
    )
    assert record["counts"]["succeeded"] == 2, record
    assert apart.asked("rows") == 1 and apart.found("rows") == ["rows.safetensors"]
    assert apart.caretaker() == "gateway-1"
