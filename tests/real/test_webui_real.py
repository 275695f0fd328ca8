"""One queue for a person at the WebUI of a real Fooocus and programs at the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import LONG

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser
    from fooocus_api.tests.support.client import Client
    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real


def test_an_api_task_waits_while_the_webui_draws(real: Host, real_client: Client, browser: Browser) -> None:
    browser.open(real.url).quick(steps=40)
    before = real.images()
    browser.generate("drawn by hand")
    real_client.has_tasks(running=1)

    queued = real_client.submit(prompt="drawn by request")
    assert real_client.task(queued["task_id"])["task_status"] == "pending"
    assert browser.busy()
    real_client.until(queued["task_id"], "running", "finished")
    assert len(real.images() - before) >= 1  # the person's image is complete by now

    (shown,) = browser.images()
    assert real_client.image(shown).size == (256, 256)
    assert real_client.ended(queued["task_id"])["task_status"] == "finished"
    assert len(real.images() - before) == 2


def test_the_webui_waits_while_an_api_task_is_drawn(real: Host, real_client: Client, browser: Browser) -> None:
    browser.open(real.url).quick()
    before = real.images()
    running = real_client.submit(**LONG)
    real_client.until(running["task_id"], "running")

    browser.generate("drawn by hand")
    real_client.has_tasks(running=1, pending=1)
    assert real_client.task(running["task_id"])["task_status"] == "running"
    assert browser.busy()

    (shown,) = browser.images()
    assert real_client.image(shown).size == (256, 256)
    done = real_client.ended(running["task_id"])
    assert done["task_status"] == "finished"  # the click has neither ended nor disturbed it
    assert len(real.images() - before) == 2


def test_stop_in_the_webui_ends_its_own_task_only(real: Host, real_client: Client, browser: Browser) -> None:
    browser.open(real.url).quick(steps=60)
    browser.generate("never to be finished")
    real_client.has_tasks(running=1)
    queued = real_client.submit(prompt="drawn by request")
    browser.click("stop_button")

    assert browser.finished() == []
    done = real_client.ended(queued["task_id"])
    assert done["task_status"] == "finished"
    assert len(done["result"]) == 1


def test_the_docs_page_draws_itself_without_the_internet(real: Host, browser: Browser) -> None:
    browser.driver.get(f"{real.url}/docs")

    browser.until_text("/v1/engine/generate/")
    loaded = browser.driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded
    assert [url for url in loaded if not url.startswith((real.url, "data:", "blob:"))] == []
