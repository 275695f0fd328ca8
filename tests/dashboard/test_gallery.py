"""The Gallery and a task's page: filters, opening, comparing, tags, the zip file, deleting with an undo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host, demo_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_api.tests.support.browsers.dashboard import Dashboard

PROMPTS = ("a red fox", "a blue fox", "a green hare", "an old owl")


@pytest.fixture(scope="module")
def archive() -> Iterator[Host]:
    """Start a host with a few pictures."""
    with demo_host() as host:
        client = Client(host.url)
        for prompt in PROMPTS:
            client.draw(prompt=prompt)
        yield host


@pytest.fixture
def gallery(archive: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    page = page_of(archive)
    page.open("#/gallery", language="en")
    page.browser.until(lambda: len(page.all(".tile img.ready")) == len(PROMPTS), "all pictures")
    return page


def titles(page: Dashboard) -> list[str]:
    """Return the prompts of the shown tiles in their order."""
    return [str(one.get_attribute("title")) for one in page.all(".tile-link")]


def test_words_find_and_the_address_keeps_them(gallery: Dashboard) -> None:
    assert titles(gallery) == [*reversed(PROMPTS)]
    gallery.write("#gallery-search", "fox")
    gallery.browser.until(lambda: titles(gallery) == ["a blue fox", "a red fox"], "two foxes")
    assert gallery.driver.current_url.endswith("#/gallery?q=fox")
    gallery.click(".tile-link")
    gallery.see(".task-head h1", "a blue fox")
    gallery.press(Keys.ARROW_RIGHT)
    gallery.see(".task-head h1", "a red fox")
    gallery.press("z")
    gallery.see(".viewer-tools", "100 %")
    gallery.press(Keys.ESCAPE)
    gallery.browser.until(lambda: titles(gallery) == ["a blue fox", "a red fox"], "the foxes again")


def test_arrows_begin_at_the_first_tile_and_continue_at_the_one_that_was_opened(gallery: Dashboard) -> None:
    names = [*reversed(PROMPTS)]

    def focused(title: str) -> None:
        script = "return document.activeElement.title"
        gallery.browser.until(lambda: gallery.driver.execute_script(script) == title, f"the focus on {title!r}")

    # A wall that is higher than the window: its tiles are measured again once the scroll bar is there.
    gallery.size(900, 420)
    gallery.open("#/models", language="en", tile=320)
    gallery.see("h1", "Models")
    gallery.press("g", "w")
    gallery.see(".tile img.ready")
    gallery.press(Keys.ARROW_DOWN)
    focused(names[0])
    gallery.driver.refresh()
    gallery.see(".tile img.ready")
    gallery.press(Keys.ARROW_RIGHT)
    focused(names[0])
    gallery.press(Keys.ARROW_RIGHT)
    focused(names[1])
    gallery.press(Keys.ENTER)
    gallery.see(".task-head h1", names[1])
    gallery.press(Keys.ESCAPE)
    focused(names[1])
    gallery.size(940, 420)
    gallery.driver.execute_async_script("setTimeout(arguments[0], 300)")
    focused(names[1])
    gallery.driver.execute_script("document.activeElement.blur()")
    gallery.press(Keys.ARROW_LEFT)
    focused(names[1])
    # Keys of a field are its own.
    slider = gallery.see(".size-slider input")
    gallery.driver.execute_script("arguments[0].focus()", slider)
    gallery.press(Keys.ARROW_LEFT)
    assert slider.get_property("value") == "312"
    focused("Size of the tiles")


@pytest.mark.nightly
def test_deleting_asks_once_and_can_be_undone(gallery: Dashboard, archive: Host) -> None:
    client = Client(archive.url)
    doomed = client.draw(prompt="a doomed one")
    gallery.see('.tile-link[title="a doomed one"]')
    gallery.press(Keys.HOME)
    gallery.driver.execute_script("document.querySelector('.tile-box').click()")
    gallery.see(".selection-bar", "1 selected")
    gallery.click(".selection-bar .danger", "Delete 1")
    gallery.click("dialog .primary", "Delete 1")
    gallery.see_none('.tile-link[title="a doomed one"]')
    gallery.click(".note button", "Undo")
    gallery.see('.tile-link[title="a doomed one"]')
    assert client.get(f"/tasks/{doomed['task_id']}").status_code == 200
    gallery.driver.execute_script("document.querySelector('.tile-box').click()")
    gallery.click(".selection-bar .danger", "Delete 1")
    gallery.click("dialog .primary", "Delete 1")
    gallery.see_none('.tile-link[title="a doomed one"]')
    gallery.driver.get("about:blank")  # a page that is left undoes nothing
    wait_for(lambda: client.get(f"/tasks/{doomed['task_id']}").status_code == 404, "the deletion")


def test_two_pictures_are_compared(gallery: Dashboard, archive: Host) -> None:
    first, second = Client(archive.url).tasks(query="history", page_size=2)["history"]
    gallery.go(f"#/compare/{first['task_id']}:0/{second['task_id']}:0")
    gallery.see(".compare-table tbody th", "Prompt")
    assert {one.text for one in gallery.all("del")} | {one.text for one in gallery.all("ins")} >= {"owl", "hare"}
    gallery.press("m")
    gallery.browser.until(lambda: len(gallery.all("figure.compare img")) == 2, "both side by side")


@pytest.mark.nightly
def test_a_star_is_a_tag(gallery: Dashboard, archive: Host) -> None:
    client = Client(archive.url)
    newest = client.tasks(query="history", page_size=1)["history"][0]["task_id"]
    gallery.go(f"#/task/{newest}")
    gallery.named("button", "Star").click()
    wait_for(lambda: client.task(newest)["tags"] == ["starred"], "the star")
    gallery.go("#/gallery?tag=starred")
    gallery.browser.until(lambda: titles(gallery) == [PROMPTS[-1]], "only the starred one")
