"""Two gateways in front of two nodes: each serves all that a node serves, keeps nothing, and needs nothing of a Fooocus."""

from __future__ import annotations

import base64
import signal
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from fooocus_api.tests.support.api_calls.tool_requests import DESCRIBE, EXPAND, MASK, base64_of, picture
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.event_streams import reading


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer) -> Iterator[DemoCluster]:
    with DemoCluster(durable_postgres, 2, step_ms=20, gateways=2) as processes:
        for gateway in processes.gateways:
            known_nodes(gateway)
        yield processes


@pytest.fixture
def first(cluster: DemoCluster) -> Client:
    return Client(cluster.gateways[0].url)


@pytest.fixture
def second(cluster: DemoCluster) -> Client:
    return Client(cluster.gateways[1].url)


def test_it_serves_its_pages_and_says_what_the_nodes_are(cluster: DemoCluster, first: Client) -> None:
    for path in ("/docs", "/dashboard", "/guide/", "/v1/openapi.json"):
        assert first.get(path).status_code == 200, path
    info, of_node = first.get("/v1/info").json(), cluster.client().get("/v1/info").json()
    assert info["fooocus_version"] == of_node["fooocus_version"] and info["supported"] and not info["webui"]
    names = first.get("/v1/engine/all-models").json()
    assert names == cluster.client().get("/v1/engine/all-models").json()
    unknown = first.generate(base_model_name="none.safetensors")
    assert unknown.status_code == 422


def test_each_way_to_get_an_image(first: Client, second: Client) -> None:
    record = first.draw(prompt="waits", overwrite_step=3)
    assert record["task_status"] == "finished"
    task_id = first.submit(prompt="asynchronous", overwrite_step=3)["task_id"]
    assert second.ended(task_id)["task_status"] == "finished"
    *_, last = first.stream(prompt="streamed", overwrite_step=3)
    assert last.data["images"], last
    body = {"prompt": "by a compatible surface", "n": 1, "size": "256x256"}
    answer = first.post("/v1/images/generations", json={**body, "response_format": "b64_json"})
    assert answer.status_code == 200 and base64.b64decode(answer.json()["data"][0]["b64_json"])
    image = first.generate(accept="image/png", prompt="binary", overwrite_step=3)
    assert image.headers["content-type"] == "image/png"
    listed = {one["task_id"] for one in second.get("/tasks").json()["history"]}
    assert {record["task_id"], task_id} <= listed


def test_streams_have_previews_and_images_are_served(cluster: DemoCluster, first: Client, second: Client) -> None:
    task_id = first.submit(prompt="seen", overwrite_step=60)["task_id"]
    with reading(second, f"/tasks/{task_id}/events", preview_format="jpeg") as stream:
        stream.until("finished")
    assert any(step.get("preview") for step in stream.of("progress")) and len(stream.of("image")) == 1
    for client in first, second:
        (image,) = client.task(task_id)["images"]
        assert urlsplit(image["url"]).path.startswith("/outputs/node-")
        assert client.image(image["url"]).size == (256, 256)
    path = urlsplit(image["url"]).path
    found = {}
    for url in (first.url, second.url, *(node.url for node in cluster.nodes)):
        found[url] = Client(url).get(path)
        known = {"If-None-Match": found[first.url].headers["etag"]}
        part = {"Range": "bytes=0-9", "If-Range": found[first.url].headers["etag"]}
        assert Client(url).get(path, headers=known).status_code == 304, url
        assert Client(url).get(path, headers=part).status_code == 206, url
    assert len({(answer.headers["etag"], answer.content) for answer in found.values()}) == 1
    assert second.request("DELETE", f"/tasks/{task_id}").status_code == 204
    assert first.get(path).status_code == second.get(path).status_code == 404


def test_a_task_is_stopped_and_moved_from_a_gateway(first: Client, second: Client) -> None:
    task_id = first.submit(prompt="stopped", overwrite_step=200)["task_id"]
    first.until(task_id, "running")
    assert second.post(f"/tasks/{task_id}/stop").status_code == 200
    assert first.ended(task_id)["task_status"] == "stopped"


def test_an_image_sent_to_one_is_used_by_the_other(first: Client, second: Client) -> None:
    sent = first.post("/inputs", files={"image": ("a.png", picture(), "image/png")})
    assert sent.status_code in (200, 201), sent.text
    url = sent.json()["url"]
    record = second.draw(prompt="of an image", overwrite_step=3, uov_method="Vary (Subtle)", uov_input_image=url)
    assert record["task_status"] == "finished"
    (image,) = record["images"]  # whose URL has the address of the second one
    again = first.draw(
        prompt="of its image", overwrite_step=3, uov_method="Vary (Subtle)", uov_input_image=image["url"]
    )
    assert again["task_status"] == "finished"


def test_tools_run_on_a_node(cluster: DemoCluster, first: Client) -> None:
    here = cluster.client(0).post(DESCRIBE, files={"image": ("a.png", picture(), "image/png")}).json()
    for query in ({}, {"node": "node-1"}, {"node": "node-2"}):
        answer = first.post(DESCRIBE, files={"image": ("a.png", picture(), "image/png")}, params=query)
        assert answer.status_code == 200 and answer.json() == here, answer.text
    body = {"image": base64_of(picture()), "mask_model": "u2net"}
    mask = first.post(MASK, json=body, params={"node": "node-2"})
    assert mask.status_code == 200 and mask.json() == cluster.client(0).post(MASK, json=body).json()
    failed = first.post(MASK, json={**body, "mask_model": "none"}, params={"node": "node-2"})
    assert failed.status_code == 422
    assert (
        cluster.client(0).post(DESCRIBE, json={"image": base64_of(picture())}, params={"node": "node-2"}).json() == here
    )
    unknown = first.post(DESCRIBE, json={"image": base64_of(picture())}, params={"node": "node-9"})
    assert unknown.status_code == 422 and set(unknown.json()["errors"][0]["allowed"]) == {"node-1", "node-2"}


def test_a_prompt_is_expanded_by_a_node(cluster: DemoCluster, first: Client) -> None:
    body = {"prompt": "a [[red,blue]] boat", "style_selections": ["Fooocus V2"], "image_number": 2, "image_seed": 5}
    for sent in (body, {**body, "expansion": False}, {**body, "style_selections": []}):
        here = cluster.client(0).post(EXPAND, json=sent)
        answer = first.post(EXPAND, json=sent)
        assert answer.status_code == here.status_code == 200, answer.text
        assert answer.json() == here.json() and len(answer.json()["images"]) == 2
    refused = first.post(EXPAND, json={**body, "style_selections": ["no such style"]})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"].startswith("style_selections")


def test_what_only_a_node_has_is_refused_with_a_remedy(cluster: DemoCluster, first: Client) -> None:
    body = {"negative_prompt": "none"}
    for answer in (
        first.get("/v1/engine/model-files"),
        first.get("/v1/engine/model-files/downloads"),
        first.request("PUT", "/v1/engines/presets/of-a-gateway", json=body),
        first.request("DELETE", "/v1/engines/presets/lightning"),
    ):
        assert answer.status_code == 503, answer.text
        assert "gateway without Fooocus; ask a node of the cluster, at its own address" in answer.json()["detail"]
    assert first.request("DELETE", "/v1/engines/presets/no-such-preset").status_code == 404
    assert cluster.client(0).get("/v1/engine/model-files").status_code == 200


def test_the_models_of_one_node_or_all_are_unloaded(cluster: DemoCluster, first: Client) -> None:
    for query in ({"node": "node-1"}, {"node": "*"}, {}):
        assert first.post("/v1/engine/unload", params=query).status_code == 200
    assert cluster.client(0).post("/v1/engine/unload", params={"node": "node-2"}).status_code == 200
    misplaced = first.post("/v1/engine/unload", json={"node": "node-1"})
    assert misplaced.status_code == 422 and "query parameter; send it in the URL" in misplaced.json()["detail"]
    wait_for(lambda: cluster.rows("SELECT count(*) FROM cluster_node WHERE loaded <> '[]'") == [(0,)], "all to be free")


def test_a_killed_gateway_is_replaced_by_the_other(cluster: DemoCluster, first: Client, second: Client) -> None:
    task_id = first.submit(prompt="survives", overwrite_step=60)["task_id"]
    cluster.gateways[0].kill()
    try:
        assert second.ended(task_id)["task_status"] == "finished"
    finally:
        cluster.gateways[0].start()
    known_nodes(cluster.gateways[0])
    assert first.task(task_id)["task_status"] == "finished"


def test_an_accepted_request_names_its_task_while_the_database_is_away(
    cluster: DemoCluster, durable_postgres: PostgresServer, first: Client
) -> None:
    answers: list[requests.Response] = []

    def ask() -> None:
        body = {"prompt": "accepted", "overwrite_step": 200}
        answers.append(first.post("/v1/engine/generate", json=body, headers={"Prefer": "wait=6"}))

    waiting = threading.Thread(target=ask)
    waiting.start()
    wait_for(lambda: first.tasks(query="current")["current"], "the task to run")
    ((task_id,),) = cluster.rows("SELECT task_id FROM task WHERE status = 'running'")
    durable_postgres.stop()
    try:
        waiting.join(60)
    finally:
        durable_postgres.start()
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.json()["task_id"] == task_id and answer.headers["Location"].endswith(f"/tasks/{task_id}")
    wait_for(lambda: first.get(f"/tasks/{task_id}").status_code == 200, "the database")
    assert first.ended(task_id)["task_status"] == "finished"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is another thing on Windows")
def test_it_ends_in_order_and_has_imported_nothing_of_a_fooocus(cluster: DemoCluster) -> None:
    gateway = cluster.gateways[1]
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(60) == 128 + signal.SIGTERM
    said = gateway.log()
    assert "imported: []" in said and "Traceback" not in said
    assert cluster.rows("SELECT state FROM cluster_node WHERE name = 'gateway-2'") == [("stopped",)]
    gateway.start()
    known_nodes(gateway)


def test_each_gateway_knows_the_keys_and_sessions_of_the_other(first: Client, second: Client) -> None:
    # The last test: from now on a key is needed.
    made = first.post("/v1/keys", json={"name": "root", "scopes": ["admin", "generate", "read"]})
    assert made.status_code == 201, made.text
    key = made.json()["key"]
    wait_for(lambda: second.get("/tasks").status_code == 401, "the key to be needed everywhere")
    assert Client(second.url, key).get("/tasks").status_code == 200
    browser = Client(first.url)
    assert browser.post("/v1/session", json={"key": key}).status_code == 200
    cookies = {one.name: str(one.value) for one in browser.session.cookies}
    assert len(cookies) == 1
    assert requests.get(f"{second.url}/tasks", cookies=cookies, timeout=60).status_code == 200
    assert requests.delete(f"{first.url}/v1/session", cookies=cookies, timeout=60).status_code == 204
    wait_for(lambda: requests.get(f"{second.url}/tasks", cookies=cookies, timeout=60).status_code == 401, "its end")
