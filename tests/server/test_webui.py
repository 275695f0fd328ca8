"""One queue for clicks in the WebUI and requests to the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client, wait_for

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser


@pytest.fixture
def pair(demo_factory: DemoFactory, browser: Browser) -> tuple[Client, Browser]:
    """Return a client and a browser of one host with slow steps, whose clicks generate for three seconds."""
    host = demo_factory(step_ms=50)
    return Client(host.url), browser.open(host.url).quick(steps=60)


def test_an_api_task_waits_for_a_click(pair: tuple[Client, Browser]) -> None:
    client, browser = pair
    browser.generate("clicked first")
    wait_for(lambda: client.get("/v1/info").json()["tasks"]["running"], "the WebUI's task to run")
    task = client.submit(prompt="asked second")
    assert client.task(task["task_id"])["task_status"] == "pending"
    assert len(browser.images()) >= 1
    assert client.ended(task["task_id"])["task_status"] == "finished"


def test_a_click_waits_for_an_api_task(pair: tuple[Client, Browser]) -> None:
    client, browser = pair
    first, second = client.submit(prompt="asked first", overwrite_step=40), client.submit(prompt="asked second")
    client.until(first["task_id"], "running")
    browser.generate("clicked third")
    assert len(browser.images()) >= 1
    assert client.task(first["task_id"])["task_status"] == "finished"
    assert client.task(second["task_id"])["task_status"] == "finished"
    assert client.draw()["id"] == second["id"] + 2  # the click has a row of its own


def test_the_webuis_own_stop_works(pair: tuple[Client, Browser]) -> None:
    client, browser = pair
    browser.number(3000, "Forced Overwrite of Sampling Step", "Steps")  # long enough for a slow click
    browser.generate("to be stopped")
    wait_for(lambda: client.get("/v1/info").json()["tasks"]["running"], "the WebUI's task to run")
    waiting = client.submit(prompt="behind it")
    browser.click("stop_button")
    browser.finished()
    assert client.ended(waiting["task_id"])["task_status"] == "finished"


def test_the_docs_page_draws(demo_factory: DemoFactory, browser: Browser) -> None:
    host = demo_factory("--nowebui")
    browser.driver.get(host.url)
    browser.until_text("/v1/engine/generate/")
    errors = [line for line in browser.console() if "SEVERE" in line or "Failed to load" in line]
    assert not errors
