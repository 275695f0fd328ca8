"""`GET /v1/nodes` of a process without a cluster, which is the only entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--node-name", "only-one", step_ms=20) as running:
        yield running


@pytest.fixture(scope="module")
def admin(host: Host) -> Client:
    return add_key(host, "admin", "--scopes", "generate,read-all,control,admin")


@pytest.fixture(scope="module")
def shop(host: Host, admin: Client) -> Client:
    return add_key(host, "shop", "--scopes", "generate,read,control")


def only(client: Client) -> dict[str, Any]:
    response = client.get("/v1/nodes")
    assert response.status_code == 200, response.text
    answer = response.json()
    (node,) = answer["nodes"]
    assert answer["cluster"] is False
    found: dict[str, Any] = node
    return found


def test_the_process_describes_itself(host: Host, admin: Client) -> None:
    wait_for(lambda: only(admin)["state"] == "idle", "the models to be loaded")
    node = only(admin)
    assert (node["name"], node["role"], node["this"], node["caretaker"]) == ("only-one", "node", True, True)
    assert node["url"] == host.url and node["heartbeat_seconds"] == 0 and node["running"] == []
    assert node["version"] == admin.get("/v1/info").json()["version"]
    assert admin.get("/v1/session").json()["cluster"] is False


def test_a_key_sees_its_own_running_tasks_alone(admin: Client, shop: Client) -> None:
    task_id = admin.submit(overwrite_step=100, base_model_name="demo_nightfall.safetensors")["task_id"]
    admin.until(task_id, "running")
    wait_for(lambda: only(admin)["loaded"] == ["demo_nightfall.safetensors"], "the model to be loaded")
    assert [one["task_id"] for one in only(admin)["running"]] == [task_id]
    assert 0 <= only(admin)["running"][0]["progress"] <= 100
    assert only(shop)["running"] == [] and only(shop)["loaded"] == [] and only(shop)["state"] == "busy"
    admin.post(f"/tasks/{task_id}/stop")
    assert "node" not in admin.ended(task_id)


def test_metrics_have_the_one_node(admin: Client) -> None:
    text = admin.get("/metrics").text
    assert 'fooocus_api_node_up{node="only-one",role="node"} 1.0' in text
    assert 'fooocus_api_process_info{node="only-one",queue="only-one",role="node"} 1.0' in text
