"""The page of nodes, and the overview of several running tasks, on a cluster of three nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer, programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_api.tests.support.browsers.dashboard import Dashboard
    from fooocus_api.tests.support.host import Host

LONG = {"overwrite_step": 200, "image_number": 20}
NAMES = ["node-1", "node-2", "node-3"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[DemoCluster]:
    """Start three demo nodes and a gateway, shared by the module's tests. Skip if PostgreSQL is not installed."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql): its tests are skipped")
    with PostgresServer(folder) as server, DemoCluster(server, 3, step_ms=40, gateways=1) as nodes:
        yield nodes


@pytest.fixture
def running(cluster: DemoCluster) -> Iterator[list[str]]:
    """Run a task on each node, and stop them at the end."""
    client = cluster.client()
    ids = [client.submit(prompt=f"a cat in house {number}", **LONG)["task_id"] for number in range(3)]
    wait_for(lambda: len(client.get("/v1/queue").json()["running"]) == 3, "three running tasks")
    yield ids
    for task_id in ids:
        client.post(f"/tasks/{task_id}/stop")
    for task_id in ids:
        client.ended(task_id)


@pytest.fixture
def page(cluster: DemoCluster, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    return page_of(cluster.nodes[0])


def test_each_node_has_a_card_that_follows_it(page: Dashboard, cluster: DemoCluster, running: list[str]) -> None:
    page.open("#/", language="en")
    page.click(".nav a", "Nodes")
    page.see(".page-head", "3 take tasks")
    for name in (*NAMES, "gateway-1"):
        page.see(".node", name)
    page.browser.until(lambda: len(page.all(".node .running-tile [role=progressbar]")) == 3, "a bar for each")
    page.browser.until(lambda: len(page.all(".node canvas[data-drawn]")) == 3, "the previews of all nodes")
    assert len([one for one in page.all(".node .chip") if one.text == "this page"]) == 1
    links = {(one.get_attribute("href") or "").rpartition("/")[2] for one in page.all(".node .prompt")}
    assert links == set(running)
    with cluster.paused(2):
        page.see(".node", "No heartbeat")
    page.see_none(".node", "No heartbeat")


def test_the_overview_shows_all_running_tasks_with_their_nodes(page: Dashboard, running: list[str]) -> None:
    page.open("#/", language="en")
    page.see(".running .running-words", "on node-")
    page.browser.until(lambda: len(page.all(".running-more .running-tile")) == 2, "the other two")
    page.see(".running-more", "Also generating")
    shown = " ".join(one.text for one in page.all(".running-words, .running-tile"))
    assert all(name in shown for name in NAMES)
    page.go(f"#/task/{running[0]}")
    page.see(".task-side, main", "node-")


@pytest.mark.nightly
def test_the_page_speaks_chinese(page: Dashboard, running: list[str]) -> None:
    page.open("#/nodes", language="zh")
    page.see("h1", "节点")
    page.see(".node .state", "生成中")
    page.see(".node", "秒前")
