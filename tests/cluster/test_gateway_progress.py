"""Progress of a node's task at the process that took its request, in each of the ways in which clients poll for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.compat.a1111 import A1111
from fooocus_api.tests.support.databases.postgres import PostgresServer


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer) -> Iterator[DemoCluster]:
    with DemoCluster(durable_postgres, 1, step_ms=100, gateways=1) as processes:
        known_nodes(processes.gateways[0])
        yield processes


@pytest.fixture
def gateway(cluster: DemoCluster) -> Client:
    return Client(cluster.gateways[0].url)


def test_progress_of_the_callers_own_request(cluster: DemoCluster) -> None:
    client = A1111(cluster.gateways[0])
    thread, answers = client.begin(prompt="watched by its client alone", steps=60)
    try:
        wait_for(lambda: 0 < client.json("progress")["progress"] < 1, "progress")
        wait_for(lambda: client.json("progress")["current_image"], "a preview")
        assert client.json("progress")["state"]["sampling_step"] > 0
        assert client.post("interrupt").status_code == 200
    finally:
        thread.join()
    assert answers[0].status_code == 200, answers[0].text


def _of_queue(client: Client, _: str) -> Any:
    return [one["progress"] for one in client.get("/v1/queue").json()["running"]]


def _of_cards(client: Client, _: str) -> Any:
    return [one["progress"] for one in client.tasks(view="card")["current"] if one["preview"]]


def _of_record(client: Client, task_id: str) -> Any:
    return [record["progress"] for record in [client.task(task_id)] if record.get("preview")]


def _of_job(client: Client, task_id: str) -> Any:
    query = {"job_id": task_id, "require_step_preview": "true"}
    job = client.get("/v1/generation/query-job", params=query).json()
    return [job["job_progress"]] if job["job_step_preview"] else []


@pytest.mark.parametrize("polled", [_of_queue, _of_cards, _of_record, _of_job])
def test_progress_where_nothing_else_asks_for_it(gateway: Client, polled: Callable[[Client, str], Any]) -> None:
    task_id = gateway.submit(prompt="polled", overwrite_step=60)["task_id"]
    try:
        wait_for(lambda: any(0 < percent < 100 for percent in polled(gateway, task_id)), "progress", 20)
    finally:
        gateway.post(f"/tasks/{task_id}/stop")
        gateway.ended(task_id)
