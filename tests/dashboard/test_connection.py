"""The page's event stream: one for all tabs, continued after a cut without a gap, and without previews while hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.servers.relay import Relay

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

HIDE = """
Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
document.dispatchEvent(new Event("visibilitychange"));
"""


@pytest.fixture
def relay(studio: Host) -> Iterator[Relay]:
    with Relay(studio.url) as running:
        yield running


@pytest.fixture
def client(studio: Host) -> Client:
    return Client(studio.url)


@pytest.fixture
def page(relay: Relay, page_of: Callable[[Relay], Dashboard]) -> Dashboard:
    """Return the page as it is seen through the relay, live."""
    page = page_of(relay)
    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    return page


def streams(relay: Relay) -> list[str]:
    return [request for request in relay.requests if request.startswith("GET /v1/events?")]


def test_after_a_cut_nothing_is_missing_and_nothing_twice(page: Dashboard, relay: Relay, client: Client) -> None:
    before = client.submit(prompt="begun before the cut", overwrite_step=200, image_number=20)
    page.see(".running-title .prompt", "begun before the cut")
    page.browser.until(lambda: page.painted(".running canvas"), "a preview")
    relay.cut()
    page.see("#connection[data-state=waiting]")
    page.see(".generate-send:disabled", "Not connected")
    client.post(f"/tasks/{before['task_id']}/stop")
    for name in ("cut one", "cut two"):
        client.draw(prompt=name)
    running = client.submit(prompt="runs at the end", overwrite_step=200, image_number=20)
    waiting = client.submit(prompt="waits at the end")
    client.until(running["task_id"], "running")
    relay.restore()
    page.see("#connection[data-state=live]")
    page.see(".running-title .prompt", "runs at the end")
    page.browser.until(lambda: page.painted(".running canvas"), "a preview again")
    page.browser.until(
        lambda: [one.text for one in page.all(".queue-row .prompt")] == ["waits at the end"], "the waiting task"
    )
    for name in ("cut one", "cut two"):
        page.see(f".strip a[title='{name}'] img")
        assert len(page.all(f".strip a[title='{name}']")) == 1
    page.see(".generate-send:enabled")
    page.press("x", "x")
    client = Client(client.url)
    client.until(running["task_id"], "stopped")
    client.until(waiting["task_id"], "finished")
    page.see(".strip a[title='waits at the end'] img")
    assert all("net::ERR" in line for line in page.browser.console())


@pytest.mark.nightly
def test_a_page_that_was_not_loaded_before_the_cut_opens_after_it(page: Dashboard, relay: Relay) -> None:
    relay.cut()
    page.see("#connection[data-state=waiting]")
    page.go("#/models")
    page.see(".unreachable", "does not answer")
    page.click(".unreachable button", "Try again")
    page.see(".unreachable", "does not answer")
    page.go("#/constructor")
    page.see(".running")
    page.go("#/models")
    page.see(".unreachable", "does not answer")
    relay.restore()
    page.see("h1", "Models")
    page.go("#/task/")
    page.see(".empty", "does not exist")
    assert all("net::ERR" in line for line in page.browser.console())


@pytest.mark.nightly
def test_all_tabs_share_one_stream(page: Dashboard, relay: Relay, client: Client) -> None:
    from fooocus_api.tests.support.browsers.windows import Windows

    windows = Windows(page)
    known = len(streams(relay))
    for name in ("second", "third"):
        windows.open(name)
        page.see("#connection[data-state=live]")
    task = client.submit(prompt="seen in all tabs", overwrite_step=200, image_number=20)
    for name in ("first", "second", "third"):
        windows.switch(name)
        page.see(".running-title .prompt", "seen in all tabs")
        page.browser.until(lambda: page.painted(".running canvas"), "a preview")
    assert len(streams(relay)) == known
    for name in ("second", "third"):
        windows.close(name)
    page.press("x", "x")
    client.until(task["task_id"], "stopped")
    page.see(".running-idle")
    assert len(streams(relay)) == known


@pytest.mark.nightly
def test_a_hidden_page_asks_for_no_previews(page: Dashboard, relay: Relay, client: Client) -> None:
    page.driver.execute_script(HIDE)
    wait_for(lambda: "previews=false" in streams(relay)[-1], "a stream without previews")
    client.draw(prompt="while hidden")
    page.driver.execute_script(HIDE.replace("hidden", "visible"))
    wait_for(lambda: "previews=true" in streams(relay)[-1], "a stream with previews")
    page.see(".strip a[title='while hidden'] img")
