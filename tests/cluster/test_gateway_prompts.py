"""Prompts at a gateway that its node can't resolve, or whose texts are too long for the cluster's messages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.api_calls.tool_requests import EXPAND
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import DEMO

BROKEN = "\nstyles['Broken'] = (None, '')\nlegal_style_names.append('Broken')\n"


@pytest.fixture(scope="module")
def gateway(durable_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    checkout: Path = tmp_path_factory.mktemp("broken") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__"))
    with (checkout / "modules" / "sdxl_styles.py").open("a", encoding="utf-8") as module:
        module.write(BROKEN)
    with DemoCluster(durable_postgres, 1, gateways=1, checkout=checkout) as cluster:
        known_nodes(cluster.gateways[0])
        yield Client(cluster.gateways[0].url)


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
