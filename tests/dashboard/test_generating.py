"""Generating from the page: one walk from the prompt to the picture, the queue, and a refused field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

HOSTILE = "<img src=x onerror=\"document.title='broken'\"> & 'quotes' \u202eright to left"


@pytest.fixture
def client(studio: Host) -> Client:
    return Client(studio.url)


def test_a_prompt_becomes_a_picture_that_is_watched_opened_and_used_again(page: Dashboard, client: Client) -> None:
    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    page.write("#prompt", HOSTILE)
    page.see(".generate-send:enabled").click()
    page.see(".running-title .prompt", "onerror")
    page.browser.until(lambda: page.painted(".running canvas"), "a preview")
    page.see(".running .percent", "%")
    page.click(".strip a")  # the newest result, once it is there
    assert page.see(".task-head h1").text.startswith("<img src=x onerror")
    page.see("dl.facts-list .long dd", HOSTILE[:20])
    record = client.tasks(query="history")["history"][0]
    assert record["req_params"]["prompt"] == HOSTILE
    page.press("a")
    page.browser.until(lambda: page.value("#prompt") == HOSTILE, "the prompt again")
    assert page.value(".seed-field input") == record["images"][0]["seed_text"]


def test_the_pictures_of_a_running_task_stay_when_the_queue_is_read_again(page: Dashboard, client: Client) -> None:
    running = client.submit(prompt="four pictures", overwrite_step=150, image_number=4)["task_id"]
    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    page.see(".running-words img")
    waiting = client.submit(prompt="a waiting one")["task_id"]
    page.see(".queue-row .prompt", "a waiting one")
    assert page.all(".running-words img")
    for task in (waiting, running):
        client.post(f"/tasks/{task}/stop")
    client.until(running, "stopped")


def test_the_queue_is_moved_and_cancelled(page: Dashboard, studio: Host, client: Client) -> None:
    names = ["first in line", "second in line", "third in line"]
    running = client.submit(prompt="the running one", overwrite_step=200, image_number=4)
    tasks = [client.submit(prompt=name) for name in names]
    page.open("#/", language="en")

    def order() -> list[str]:
        return [one.text for one in page.all(".queue-row .prompt")]

    page.browser.until(lambda: order() == names, "three waiting tasks")
    page.see('.queue-row:nth-child(3) [aria-label="Generate next"]').click()
    page.browser.until(lambda: order() == [names[2], *names[:2]], "the third one first")
    client = Client(studio.url)  # the server has closed the idle connection of the first one by now
    wait_for(lambda: client.task(tasks[2]["task_id"])["queue_position"] == 0, "the third one first on the server")
    page.see('.queue-row:nth-child(2) [aria-label="Cancel"]').click()
    page.see_none(".queue-row .prompt", names[0])
    client.until(tasks[0]["task_id"], "stopped")
    page.press("x", "x")
    client.until(running["task_id"], "stopped")
    client.until(tasks[1]["task_id"], "finished")


def test_a_refused_value_is_shown_at_its_field(page: Dashboard) -> None:
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    page.click(".more summary")
    page.write('.more input[type="search"]', "sharpness")
    page.write('[data-field="sharpness"] input', "99")
    page.click(".generate-send")
    # The request was refused with 422, which browsers report on the console.
    page.see('[data-field="sharpness"] .error')
    assert page.see('[data-field="sharpness"] input').get_attribute("aria-invalid") == "true"
    assert [line for line in page.browser.console() if "422" not in line] == []
    page.click('[data-field="sharpness"] button')
    page.see_none('[data-field="sharpness"] .error')
