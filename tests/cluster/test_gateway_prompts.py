"""Prompts at a gateway that its node can't resolve, or whose texts are too long for the cluster's messages; tools whose client
has gone, and whose messages are lost."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from fooocus_api.cluster.messages.notices import EVERYONE
from fooocus_api.tests.support.api_calls.tool_requests import DESCRIBE, EXPAND, base64_of, picture
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import DEMO

BROKEN = "\nstyles['Broken'] = (None, '')\nlegal_style_names.append('Broken')\n"


DESCRIBES = """
_described = default_interrogator


def default_interrogator(picture):
    print('a picture is described')
    return _described(picture)
"""


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCluster]:
    checkout: Path = tmp_path_factory.mktemp("broken") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__"))
    for path, lines in (("modules/sdxl_styles.py", BROKEN), ("extras/interrogate.py", DESCRIBES)):
        with (checkout / path).open("a", encoding="utf-8") as module:
            module.write(lines)
    with DemoCluster(durable_postgres, 1, gateways=1, step_ms=20, checkout=checkout) as cluster:
        known_nodes(cluster.gateways[0])
        yield cluster


@pytest.fixture
def gateway(cluster: DemoCluster) -> Client:
    return Client(cluster.gateways[0].url)


def test_a_failure_of_the_node_is_named(gateway: Client) -> None:
    for expansion in True, False:
        body = {"prompt": "a boat", "style_selections": ["Broken"], "expansion": expansion}
        answer = gateway.post(EXPAND, json=body)
        assert (answer.status_code, answer.json()["code"]) == (500, "tool_failed"), answer.text
        assert answer.json()["error"]["type"] == "AttributeError"


def test_prompts_that_are_too_long_together_are_refused(gateway: Client) -> None:
    body = {"prompt": "x" * 20_000, "style_selections": ["Demo Misty Morning"] * 30, "image_number": 32}
    answer = gateway.post(EXPAND, json=body)
    assert answer.status_code == 422 and "fewer images" in answer.json()["detail"], answer.text
    few = gateway.post(EXPAND, json={**body, "image_number": 2})
    assert few.status_code == 200 and len(few.json()["images"]) == 2


def test_a_tool_whose_client_has_gone_does_not_run_and_lost_messages_are_sent_again(
    cluster: DemoCluster, gateway: Client
) -> None:
    body, answers = {"image": base64_of(picture())}, list[requests.Response]()
    task_id = gateway.submit(prompt="long", overwrite_step=200, image_number=32)["task_id"]
    gateway.until(task_id, "running")
    with contextlib.closing(psycopg.connect(cluster.location, autocommit=True)) as connection:
        connection.execute(f"LISTEN {EVERYONE}".encode())
        messages = (notice.payload for notice in connection.notifies(timeout=120))
        client = http.client.HTTPConnection(urlsplit(gateway.url).netloc)
        client.request("POST", DESCRIBE, json.dumps(body), {"Content-Type": "application/json"})
        assert any('"kind":"tool"' in message for message in messages)
        client.close()
        assert any('"kind":"tool_done"' in message for message in messages)

        asking = threading.Thread(target=lambda: answers.append(gateway.post(DESCRIBE, json=body)))
        asking.start()
        for _ in range(2):  # the second one without an answer to the first
            assert any('"kind":"tool"' in message for message in messages)
        name = "fooocus-api listener"
        cluster.change(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'")
        assert any('"kind":"tool"' in message for message in messages)
    gateway.post(f"/tasks/{task_id}/stop")
    asking.join(120)
    assert [answer.status_code for answer in answers] == [200]
    assert cluster.nodes[0].log().count("a picture is described") == 1
