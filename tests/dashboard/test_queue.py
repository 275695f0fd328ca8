"""The queue on the page: moved by buttons, by keys and by dragging, with reasons; cancelled, paused and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.client import Client, Record, wait_for
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

NAMES = ["one", "two", "three", "four"]


@pytest.fixture
def client(studio: Host) -> Client:
    return Client(studio.url)


@pytest.fixture
def waiting(page: Dashboard, client: Client) -> Iterator[list[Record]]:
    """Queue four tasks behind one that runs, and show them. All are stopped after the test."""
    running = client.submit(prompt="the running one", overwrite_step=200, image_number=20)
    tasks = [client.submit(prompt=name) for name in NAMES]
    page.open("#/", language="en")
    shown(page, NAMES)
    yield tasks
    client = Client(page.url)  # the server has closed the idle connection of the first one by now
    client.post("/v1/engine/resume")
    ids = [task["task_id"] for task in (*tasks, running)]
    client.post("/tasks/bulk", json={"ids": ids, "action": "cancel"})
    client.until(running["task_id"], "stopped")


def shown(page: Dashboard, order: list[str]) -> None:
    """Wait until the page shows these prompts in this order, with their places."""

    def rows() -> list[str]:
        return [one.text for one in page.all(".queue-row .prompt")]

    page.browser.until(lambda: rows() == order, f"{order} in the queue")
    places = [str(place + 1) for place in range(len(order))]
    page.browser.until(lambda: [one.text for one in page.all(".queue-row .place")] == places, "their places")


def served(page: Dashboard, order: list[str]) -> None:
    """Wait until the server has these prompts in this order."""
    client = Client(page.url)
    wait_for(lambda: [one["prompt"] for one in client.get("/v1/queue").json()["waiting"]] == order, f"{order}")


def row(place: int) -> str:
    return f".queue-row:nth-child({place})"


def test_tasks_are_moved_by_buttons_keys_and_dragging(page: Dashboard, waiting: list[Record]) -> None:
    from fooocus_api.tests.support.browsers.windows import drag

    assert {one.text for one in page.all(".queue-row .why")} == {"came first"}
    page.see(f'{row(2)} [aria-label="Earlier"]').click()
    order = ["two", "one", "three", "four"]
    shown(page, order)
    served(page, order)
    page.see(f"{row(1)} .why", "was moved")

    page.driver.execute_script("document.querySelector(\".queue-row:nth-child(4) [aria-label='Cancel']\").focus()")
    ActionChains(page.driver).key_down(Keys.ALT).send_keys(Keys.ARROW_UP).key_up(Keys.ALT).perform()
    order = ["two", "one", "four", "three"]
    shown(page, order)
    served(page, order)
    # The row that was moved keeps the focus: the next key moves it further.
    ActionChains(page.driver).key_down(Keys.ALT).send_keys(Keys.ARROW_UP).key_up(Keys.ALT).perform()
    order = ["two", "four", "one", "three"]
    shown(page, order)
    served(page, order)
    ActionChains(page.driver).key_down(Keys.ALT).send_keys(Keys.ARROW_DOWN).key_up(Keys.ALT).perform()
    order = ["two", "one", "four", "three"]
    shown(page, order)
    served(page, order)

    height = page.see(row(1)).rect["height"]
    drag(page, page.see(f"{row(3)} .grip"), 0, -2.2 * height)
    order = ["four", "two", "one", "three"]
    shown(page, order)
    served(page, order)
    drag(page, page.see(f"{row(1)} .grip"), 0, 3.2 * height)
    order = ["two", "one", "three", "four"]
    shown(page, order)
    served(page, order)


@pytest.mark.nightly
def test_the_queue_is_paused_and_my_tasks_are_cancelled(page: Dashboard, waiting: list[Record]) -> None:
    page.click(".queue-panel header button", "Pause")
    page.see(".queue-paused", "The queue is paused")
    assert Client(page.url).get("/v1/queue").json()["paused"] is True
    page.see(f'{row(2)} [aria-label="Cancel"]').click()
    order = ["one", "three", "four"]
    shown(page, order)
    served(page, order)
    page.press("x", "x")
    page.see(".running-idle")  # the running task is stopped, and no other begins
    shown(page, order)
    page.click(".queue-panel header button", "Resume")
    page.see_none(".queue-paused")
    client = Client(page.url)
    client.until(waiting[3]["task_id"], "finished")
    page.see(".strip a[title='four'] img")

    running = client.submit(prompt="the running one", overwrite_step=200, image_number=20)
    more = [client.submit(prompt=name) for name in NAMES]
    shown(page, NAMES)
    page.click(".queue-panel header button", "Cancel mine")
    page.click("dialog footer button", "Cancel")
    shown(page, NAMES)
    page.click(".queue-panel header button", "Cancel mine")
    page.click("dialog .primary", "Cancel 4 tasks")
    page.see(".note", "4 tasks were cancelled.")
    page.see(".queue-panel", "No task is waiting")
    assert {Client(page.url).task(one["task_id"])["task_status"] for one in more} == {"stopped"}
    page.press("x", "x")
    Client(page.url).until(running["task_id"], "stopped")
