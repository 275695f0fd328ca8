"""Two real Fooocus on one queue: programs at both, a person at one WebUI, and a node that is killed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import LONG, Client, wait_for
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import Host, real_checkout, real_host, real_python

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser
    from fooocus_api.tests.support.databases.postgres import PostgresServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def nodes(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Host]]:
    """Start two real hosts as nodes of one cluster. Skip without the cluster's packages in their Python."""
    checkout = real_checkout()
    if checkout is None:
        pytest.skip("FOOOCUS_HOME is not set: real tests are skipped")
    known = subprocess.run([real_python(checkout), "-c", "import procrastinate, psycopg"], capture_output=True)
    if known.returncode:
        pytest.skip("FOOOCUS_PYTHON lacks the packages of requirements-cluster.txt")
    place = ("--cluster", "--api-db", postgres.new_database(), "--api-files", str(tmp_path_factory.mktemp("files")))
    with ExitStack() as stack:
        yield [
            stack.enter_context(real_host(*place, "--node-name", f"node-{number}", "--node-timeout", "6"))
            for number in (1, 2)
        ]


@pytest.fixture(scope="module")
def clients(nodes: list[Host]) -> list[Client]:
    return [Client(node.url, patience=900) for node in nodes]


def node_of(clients: list[Client], task_id: str) -> int:
    """Wait until a node has claimed the task, and return its index."""

    def running() -> str | None:
        for one in clients[0].get("/v1/nodes").json()["nodes"]:
            if task_id in [task["task_id"] for task in one["running"]]:
                return str(one["name"])
        return None

    return int(str(wait_for(running, "a node to run the task", 300)).rpartition("-")[2]) - 1


def test_both_share_the_work_and_show_it(clients: list[Client]) -> None:
    ids = [clients[number % 2].submit(prompt=f"shared {number}")["task_id"] for number in range(4)]
    with reading(clients[1], "/v1/events") as stream:
        for task_id in ids:
            record = clients[0].ended(task_id)
            assert record["task_status"] == "finished"
            assert clients[1].image(clients[1].task(task_id)["images"][0]["url"]).size == (256, 256)
        assert stream.of("finished")


def test_a_click_stays_on_its_node_and_is_seen_by_all(
    nodes: list[Host], clients: list[Client], browser: Browser
) -> None:
    browser.open(nodes[0].url).quick()
    browser.generate("drawn by hand")
    (shown,) = browser.images()
    assert clients[0].image(shown).size == (256, 256)
    (record,) = clients[1].tasks(source="webui")["history"]
    assert record["task_status"] == "finished"
    assert clients[1].image(clients[1].task(record["task_id"])["images"][0]["url"]).size == (256, 256)


def test_the_task_of_a_killed_node_is_generated_by_the_other(nodes: list[Host], clients: list[Client]) -> None:
    task_id = clients[0].submit(**LONG)["task_id"]
    node = node_of(clients, task_id)
    other = clients[1 - node]
    nodes[node].kill()
    record = other.ended(task_id)
    assert record["task_status"] == "finished" and len(record["images"]) == 1
    assert other.image(record["images"][0]["url"]).size == (256, 256)
