"""Files that come and go in a node's folders: the gateway knows them with the next request that asks, and soon by itself. A look
into slow folders counts for all that wait for it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.cluster.nodes.offers import Offers
from fooocus_api.db.writer import DatabaseUnavailable
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.clusters.tool_processes import Folders
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import DEMO

SOON_S = 30
"""Seconds: a look of the node and one of the gateway take 7 at most, and a busy machine some more."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("changed") / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer, checkout: Path) -> Iterator[DemoCluster]:
    with DemoCluster(durable_postgres, 1, gateways=1, checkout=checkout) as processes:
        known_nodes(processes.gateways[0])
        yield processes


@pytest.fixture
def gateway(cluster: DemoCluster) -> Client:
    return Client(cluster.gateways[0].url)


@pytest.fixture
def checkpoint(checkout: Path) -> Iterator[Path]:
    """Yield the path of a new checkpoint, which does not exist yet."""
    folder = checkout / "models" / "checkpoints"
    path = folder / "new.safetensors"
    yield path
    path.unlink(missing_ok=True)


def copied(path: Path) -> None:
    shutil.copyfile(next(one for one in sorted(path.parent.iterdir()) if one.suffix == path.suffix), path)


def test_a_new_file_is_known_to_the_request_that_names_it(gateway: Client, checkpoint: Path) -> None:
    assert gateway.generate(base_model_name=checkpoint.name).status_code == 422
    copied(checkpoint)
    wait_for(lambda: checkpoint.name in listed(gateway), "the list", 4)
    assert gateway.draw(base_model_name=checkpoint.name)["task_status"] == "finished"
    checkpoint.unlink()
    wait_for(lambda: checkpoint.name not in listed(gateway), "the list", 4)
    assert gateway.generate(base_model_name=checkpoint.name).status_code == 422


def test_it_is_known_soon_if_no_client_asks(cluster: DemoCluster, gateway: Client, checkpoint: Path) -> None:
    def known() -> list[bool]:
        """Return what the node has written of its last scan, and what the gateway has read; nothing is looked for."""
        ((text,),) = cluster.rows("SELECT catalogue FROM cluster_node WHERE role = 'node'")
        files = gateway.get("/v1/engines/models").json()
        return [
            checkpoint.name in json.loads(text)["names"]["models"],
            checkpoint.name in [one["name"] for one in files],
        ]

    copied(checkpoint)
    wait_for(lambda: all(known()), "the gateway to know it", SOON_S)
    checkpoint.unlink()
    wait_for(lambda: not any(known()), "the gateway to forget it", SOON_S)


def test_a_task_whose_file_is_gone_says_that_no_node_has_it(
    cluster: DemoCluster, gateway: Client, checkpoint: Path
) -> None:
    node = cluster.client()
    copied(checkpoint)
    wait_for(lambda: checkpoint.name in listed(gateway), "the list", 4)
    assert node.post("/v1/engine/pause").status_code == 200
    try:
        stuck = gateway.submit(base_model_name=checkpoint.name)["task_id"]
        other = gateway.submit(prompt="another")["task_id"]
        wait_for(lambda: places(gateway) == [(stuck, 0, "arrival"), (other, 1, "arrival")], "both to be in line")
        with (
            reading(gateway, "/v1/events", also="queue") as events,
            reading(gateway, f"/tasks/{stuck}/events") as stream,
        ):
            checkpoint.unlink()
            for client in node, gateway:
                wait_for(
                    lambda client=client: places(client) == [(other, 0, "arrival"), (stuck, None, "no_node")],  # type: ignore[misc]
                    "the task to say that no node has its file",
                    SOON_S,
                )
                record = client.task(stuck)
                assert record["task_status"] == "pending" and record.get("queue_position") is None
                assert record.get("eta_seconds") is None
            wait_for(lambda: events.of("queue")[-1]["waiting"][-1]["reason"] == "no_node", "an event of the queue")
            wait_for(lambda: stream.of("queued")[-1].get("queue_position") is None, "an event of the task")
            refused = gateway.post(f"/tasks/{stuck}/move-to-front")
            assert refused.status_code == 409 and "model files are there" in refused.json()["detail"]
            copied(checkpoint)
            wait_for(
                lambda: places(gateway) == [(stuck, 0, "arrival"), (other, 1, "arrival")], "its place again", SOON_S
            )
    finally:
        node.post("/v1/engine/resume")
    assert [gateway.ended(one)["task_status"] for one in (stuck, other)] == ["finished", "finished"]


def test_a_preset_that_a_node_has_written_is_known_to_the_request_that_names_it(
    cluster: DemoCluster, gateway: Client
) -> None:
    path = "/v1/engines/presets/of-a-node"
    assert cluster.client().request("PUT", path, json={"negative_prompt": "blurred"}).status_code == 201
    accepted = wait_for(lambda: gateway.generate(preset="of-a-node").status_code == 200, "the preset", 4)
    assert accepted and gateway.get(path).json()["fields"]["negative_prompt"] == "blurred"
    assert cluster.client().request("DELETE", path).status_code == 204
    wait_for(lambda: gateway.get(path).status_code == 404, "the gateway to forget it", SOON_S)


def listed(gateway: Client) -> list[str]:
    """Return the checkpoints of the list that has the nodes look."""
    found: list[str] = gateway.get("/v1/engines/all-models").json()["model_filenames"]
    return found


def places(client: Client) -> list[tuple[str, int | None, str]]:
    waiting = client.get("/v1/queue").json()["waiting"]
    return [(one["task_id"], one["position"], one["reason"]) for one in waiting]


def test_one_look_counts_for_all_that_asked_before_it(folders: Folders) -> None:
    folders.open.clear()
    waiting = [threading.Thread(target=folders.look, args=(120,), daemon=True) for _ in range(20)]
    for thread in waiting:
        thread.start()
    wait_for(lambda: folders.asked == 20, "all to ask", 30)
    folders.open.set()
    for thread in waiting:
        thread.join(120)
    assert 2 <= folders.read <= 3  # a third for one that asked late


def test_a_look_that_failed_counts_for_nothing() -> None:
    failures = [DatabaseUnavailable("away"), None]
    read: list[int] = []

    def write(_: dict[str, Any]) -> None:
        failure = failures.pop(0)
        if failure is not None:
            raise failure

    def catalogue() -> dict[str, Any]:
        read.append(1)
        return {"digest": "same"}

    offers = Offers(catalogue, write)
    with pytest.raises(DatabaseUnavailable):
        offers.look()
    offers.look()
    assert len(read) == 2 and failures == []


def test_a_wait_for_the_look_that_runs_has_an_end(folders: Folders) -> None:
    folders.open.clear()
    running = threading.Thread(target=folders.look, args=(120,), daemon=True)
    running.start()
    wait_for(lambda: folders.read == 1, "the look to run", 30)
    with pytest.raises(TimeoutError, match="still looks into its folders"):
        folders.look(0.05)
    folders.open.set()
    running.join(120)
