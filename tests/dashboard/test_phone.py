"""A phone: 390 pixels, with a finger alone. Generate, watch, open, use the queue, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

PHONE = (390, 844)
TOUCH = "Emulation.setTouchEmulationEnabled"


@pytest.fixture
def phone(page: Dashboard) -> Iterator[Dashboard]:
    """Return the page on a phone with a touch screen."""
    page.driver.execute_cdp_cmd(TOUCH, {"enabled": True, "maxTouchPoints": 2})
    page.size(*PHONE)
    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    yield page
    page.driver.execute_cdp_cmd(TOUCH, {"enabled": False})


def fits(page: Dashboard) -> None:
    width = page.driver.execute_script("return document.documentElement.scrollWidth")
    assert width <= PHONE[0], f"{page.driver.current_url} is {width} pixels wide"


@pytest.mark.nightly
def test_a_finger_generates_watches_opens_and_deletes(phone: Dashboard, studio: Host) -> None:
    from fooocus_api.tests.support.browsers.windows import hold, slide, tap

    client = Client(studio.url)
    tap(phone, "nav a", "Generate")
    phone.see(".generate-send:enabled")
    fits(phone)
    phone.write("#prompt", "by a finger")
    phone.write("#image-number", "20")
    tap(phone, ".generate-send", "Generate")
    tap(phone, ".note button", "Show")
    phone.see(".task-head h1", "by a finger")
    phone.browser.until(lambda: phone.painted(".task-stage canvas"), "a preview")
    fits(phone)
    waiting = [client.submit(prompt=name) for name in ("waits one", "waits two")]
    tap(phone, "nav a", "Queue")
    phone.see(".queue-row .prompt", "waits two")
    fits(phone)

    def order() -> list[str]:
        return [one.text for one in phone.all(".queue-row .prompt")]

    grip = phone.see(".queue-row:nth-child(2) .grip")
    slide(phone, grip, 0, -1.2 * phone.see(".queue-row").rect["height"])
    phone.browser.until(lambda: order() == ["waits two", "waits one"], "the second one first")
    wait_for(lambda: client.task(waiting[1]["task_id"])["queue_position"] == 0, "the second one first on the server")
    tap(phone, ".queue-row:nth-child(2) .queue-more")
    tap(phone, "[role=menuitem]", "Cancel")
    phone.browser.until(lambda: order() == ["waits two"], "one waiting task")
    tap(phone, "nav a", "Overview")
    phone.see(".running-title .prompt", "by a finger")
    phone.browser.until(lambda: bool(phone.all(".running .strip.small img")), "the first image")
    tap(phone, ".running button", "Stop")
    client.until(waiting[1]["task_id"], "finished")

    tap(phone, "nav a", "Gallery")
    phone.browser.until(lambda: len(phone.all(".tile-link")) == 3, "three tasks")
    fits(phone)
    hold(phone, phone.see(".tile-link[title='waits two']"))
    phone.see(".selection-bar", "1 selected")
    fits(phone)
    tap(phone, ".selection-bar .danger", "Delete 1")
    tap(phone, "dialog .primary", "Delete 1")
    phone.see_none(".tile-link[title='waits two']")
    tap(phone, ".tile-link[title='by a finger']")
    phone.see(".task-head h1", "by a finger")
    fits(phone)
    slide(phone, phone.see(".viewer-frame"), -120, 0)
    phone.see(".task-head h1", "waits one")
