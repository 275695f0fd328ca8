"""Watching: tasks of the page, of the API and of the WebUI, live in two windows, with stop and skip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard
    from fooocus_api.tests.support.browsers.windows import Windows

STEPS = 30
MANY = 32
"""Images of each task, more than are waited for: a task runs until the test stops it."""


@pytest.fixture
def client(studio: Host) -> Client:
    return Client(studio.url)


@pytest.fixture
def windows(page: Dashboard) -> Windows:
    """Return the windows of the page, of which two are open."""
    from fooocus_api.tests.support.browsers.windows import Windows

    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    found = Windows(page)
    found.open("second")
    page.see("#connection[data-state=live]")
    return found


def watched(windows: Windows, prompt: str, source: str) -> None:
    """Fail unless both windows show the running task with all that is known of it, and its first image."""
    for name in ("second", "first"):
        is_watched(windows.switch(name), prompt, source)


def is_watched(page: Dashboard, prompt: str, source: str) -> None:
    page.see(".running-title .prompt", prompt)
    page.see(".running-words", f"from {source}")
    page.browser.until(lambda: page.painted(".running canvas"), "a preview")
    page.see(".running .percent", " %")
    for fact in (f"/ {STEPS}", f"/ {MANY}", "Time left"):
        page.see(".running .facts", fact)
    page.browser.until(lambda: bool(page.all(".running .strip.small img")), "the first image")


def waits(page: Dashboard, prompts: list[str]) -> None:
    page.browser.until(lambda: [one.text for one in page.all(".queue-row .prompt")] == prompts, f"{prompts} waiting")


def test_a_task_of_each_way_is_watched_in_two_windows(windows: Windows, page: Dashboard, client: Client) -> None:
    windows.blank("webui")
    page.browser.open(page.url).quick(steps=STEPS, images=MANY).generate("by the WebUI")
    page.browser.console()  # messages of Gradio's page
    windows.switch("first")
    page.see(".running-title .prompt", "by the WebUI")
    client.submit(prompt="by the API", image_number=MANY, overwrite_step=STEPS)
    page.write("#prompt", "by the page")
    page.write("#image-number", str(MANY))
    page.see(".generate-send:enabled").click()
    for name in ("second", "first"):
        waits(windows.switch(name), ["by the API", "by the page"])

    watched(windows, "by the WebUI", "webui")
    page.press("s")
    page.see(".note", "The image is skipped")
    windows.switch("second")
    page.press("x", "x")
    watched(windows, "by the API", "api")
    page.click(".running button", "Stop")
    watched(windows, "by the page", "api")
    page.click(".running button", "Stop")
    for name in ("second", "first"):
        windows.switch(name)
        page.see(".running-idle", "Nothing is being generated")
        for prompt in ("by the page", "by the API", "by the WebUI"):
            page.see(f".strip a[title='{prompt}'] img")
        page.see_none(".queue-row")
    history = client.tasks(query="history")["history"]
    assert [one["task_status"] for one in history] == ["stopped"] * 3
    assert all(one["images"] for one in history)
