"""The focus of the keyboard: it stays near its place when what has it is removed, hidden or disabled. News are said once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.servers.relay import Relay

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

WORDS = """
const one = document.activeElement;
return one === document.body ? "the page" : one.getAttribute("aria-label") || one.textContent.trim();
"""
NOTE_SPOKEN = """
window.spoken = [];
new MutationObserver(changes => {
  for (const {target} of changes) {
    const live = target.nodeType === 1 ? target.closest("[role=status], [role=alert], [aria-live]") : null;
    if (live?.textContent) window.spoken.push(live.textContent);
  }
}).observe(document.body, {subtree: true, childList: true});
"""

USES = {"uov": "Upscale or vary", "inpaint": "Inpaint or outpaint"}


@pytest.fixture
def client(studio: Host) -> Client:
    return Client(studio.url)


@pytest.fixture
def queued(page: Dashboard, client: Client) -> Iterator[list[str]]:
    """Queue three tasks behind one that runs. All are stopped after the test."""
    running = client.submit(prompt="the running one", overwrite_step=200, image_number=20)
    ids = [client.submit(prompt=name)["task_id"] for name in ("one", "two", "three")]
    yield ids
    client = Client(page.url)
    client.post("/tasks/bulk", json={"ids": [*ids, running["task_id"]], "action": "cancel"})
    client.until(running["task_id"], "stopped")


def focus(page: Dashboard, selector: str, text: str = "") -> None:
    page.driver.execute_script("arguments[0].focus()", page.see(selector, text))


def focused(page: Dashboard, beginning: str) -> None:
    """Wait until the element with the focus has a name, or a text, that begins so."""
    page.browser.until(
        lambda: str(page.driver.execute_script(WORDS)).startswith(beginning), f"the focus on {beginning!r}"
    )


def test_a_cancelled_task_gives_the_focus_to_its_neighbour_and_the_last_one_to_the_heading(
    page: Dashboard, queued: list[str]
) -> None:
    page.open("#/queue", language="en")
    page.browser.until(lambda: len(page.all(".queue-row")) == 3, "three rows")
    for gone, neighbour in ((1, "three"), (2, "one"), (0, "Queue")):
        focus(page, f".queue-row[data-id='{queued[gone]}'] button[aria-label=Cancel]")
        page.press(Keys.ENTER)
        focused(page, neighbour)


def test_the_buttons_of_a_waiting_task_are_described_by_its_prompt(page: Dashboard, queued: list[str]) -> None:
    page.open("#/queue", language="en")
    page.browser.until(lambda: len(page.all(".queue-row")) == 3, "three rows")
    script = "return document.getElementById(arguments[0].getAttribute('aria-describedby')).textContent"
    described = [page.driver.execute_script(script, one) for one in page.all(".queue-row button[aria-label=Cancel]")]
    assert described == ["one", "two", "three"]


def test_a_task_that_is_stopped_leaves_the_focus_in_its_panel(page: Dashboard, queued: list[str]) -> None:
    page.open("#/", language="en")
    focus(page, ".running button", "Stop")
    page.press(Keys.ENTER)
    focused(page, "Generating now")


def test_a_part_that_is_drawn_again_keeps_the_focus_on_the_same_button(page: Dashboard, client: Client) -> None:
    record = client.draw(prompt="to be starred")
    page.open(f"#/task/{record['task_id']}", language="en")
    for pressed in ("true", "false"):
        focus(page, ".task-side button[aria-label=Star]")
        page.press(Keys.ENTER)
        page.see(f".task-side button[aria-label=Star][aria-pressed={pressed}]")
        focused(page, "Star")


def test_a_bar_that_is_hidden_gives_the_focus_to_the_heading(page: Dashboard, client: Client) -> None:
    client.draw(prompt="to be selected")
    page.open("#/gallery", language="en")
    focus(page, ".tile-link[title='to be selected']")
    page.press(Keys.SPACE)
    focus(page, ".selection-bar button[aria-label=Deselect]")
    page.press(Keys.ENTER)
    focused(page, "Gallery")


def test_menus_give_the_focus_back_after_a_dialog_and_a_change_of_the_language(page: Dashboard) -> None:
    page.open("#/", language="en")
    focus(page, ".tools button[aria-label='Account and help']")
    page.press(Keys.ENTER)
    focused(page, "Keyboard shortcuts")
    page.press(Keys.ENTER)
    page.see("dialog")
    page.press(Keys.ESCAPE)
    focused(page, "Account and help")
    focus(page, ".tools button[aria-label^=Language]")
    page.press(Keys.ENTER)
    focused(page, "English")
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    focused(page, "语言")


def test_a_click_on_an_empty_place_still_takes_the_focus_away(page: Dashboard) -> None:
    page.open("#/", language="en")
    focus(page, "#prompt")
    page.driver.execute_script("document.activeElement.blur(); document.querySelector('main').append('a change')")
    frames = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
    page.driver.execute_async_script(frames)
    focused(page, "the page")


def test_a_lost_connection_is_said_once_and_not_each_second(
    studio: Host, page_of: Callable[[Relay], Dashboard]
) -> None:
    with Relay(studio.url) as relay:
        page = page_of(relay)
        page.open("#/", language="en")
        page.see("#connection[data-state=live]")
        page.driver.execute_script(NOTE_SPOKEN)
        relay.cut()
        page.see(".banner", "Connection lost")
        first = page.see(".banner").text
        page.browser.until(lambda: page.see(".banner").text != first, "a countdown")
        relay.restore()
        page.see("#connection[data-state=live]")
        page.browser.until(lambda: "Connected again." in page.driver.execute_script("return window.spoken"), "its end")
        spoken = page.driver.execute_script("return window.spoken")
        assert [one for one in spoken if "onnect" in one] == ["Connection lost.", "Connected again."]
        assert all("net::ERR" in line for line in page.browser.console())


def test_a_new_place_is_said_in_a_region_that_stays(page: Dashboard, queued: list[str]) -> None:
    page.open("#/queue", language="en")
    page.browser.until(lambda: len(page.all(".queue-row")) == 3, "three rows")
    page.driver.execute_script(NOTE_SPOKEN)
    focus(page, f".queue-row[data-id='{queued[0]}'] button[aria-label=Later]")
    page.press(Keys.ENTER)
    page.browser.until(lambda: "Now at place 2" in page.driver.execute_script("return window.spoken"), "its new place")


def test_a_refused_field_gets_the_focus_and_not_the_button_before_it(page: Dashboard) -> None:
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    page.write("#image-number", "99")
    page.press(Keys.CONTROL + Keys.ENTER)
    page.see("[data-field=image_number] .error")
    page.browser.until(
        lambda: page.driver.execute_script("return document.activeElement.id") == "image-number", "the field focused"
    )
    assert page.see("#image-number").get_attribute("aria-invalid") == "true"
    page.browser.console()  # the refusal, which browsers report


def test_arrows_choose_the_use_of_an_image_one_after_the_other(page: Dashboard, client: Client, tmp_path: Path) -> None:
    record = client.draw(prompt="to be used")
    (tmp_path / "picture.png").write_bytes(client.get(record["result"][0]).content)
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    page.driver.find_element("css selector", ".images input[type=file]").send_keys(str(tmp_path / "picture.png"))
    focus(page, ".image-head select")
    for role in ("uov", "inpaint"):
        page.press(Keys.ARROW_DOWN)
        page.see(f"[alt='{USES[role]}']")
        assert page.driver.execute_script("return document.activeElement.value") == role
    page.see(".mask-row")
