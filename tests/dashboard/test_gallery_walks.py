"""Walks through the Gallery: each filter, the way back, deleting one after the other, and what is done with many at once."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_api.tests.support.browsers.dashboard import Dashboard

PROMPTS = ("an apple", "a boat", "a cloud", "a dune", "an elm", "a fern")
NEWEST = [*reversed(PROMPTS)]
ALL = ["read", "read-all", "generate", "control", "admin"]
SET_DATE = """
const [input, value] = arguments;
input.value = value;
input.dispatchEvent(new Event("change", {bubbles: true}));
"""


class Archive:
    """A host with six tasks of two keys: two models, a tag, one that was stopped."""

    def __init__(self, host: Host) -> None:
        self.url = host.url
        self.key = Client(host.url).post("/v1/keys", json={"name": "keeper", "scopes": ALL}).json()["key"]
        self.client = Client(host.url, self.key)
        shop = Client(host.url, self.client.post("/v1/keys", json={"name": "shop", "scopes": ALL}).json()["key"])
        self.client.draw(prompt=PROMPTS[0], tags=["holiday"])
        shop.draw(prompt=PROMPTS[1])
        self.client.draw(prompt=PROMPTS[2], base_model_name="demo_nightfall.safetensors")
        self.client.draw(prompt=PROMPTS[3], tags=["holiday"])
        stopped = self.client.submit(prompt=PROMPTS[4], overwrite_step=200, image_number=20)["task_id"]
        self.client.until(stopped, "running")
        self.client.post(f"/tasks/{stopped}/stop")
        self.client.until(stopped, "stopped")
        self.client.draw(prompt=PROMPTS[5])


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    with demo_host() as host:
        yield Archive(host)


@pytest.fixture
def gallery(archive: Archive, page_of: Callable[..., Dashboard]) -> Dashboard:
    """Return the page on the Gallery, signed in."""
    page = page_of(archive)
    page.open("#/gallery", language="en")
    page.write("form.sign-in [type=password]", archive.key)
    page.press(Keys.ENTER)
    page.see(".tile-link")
    return page


def titles(page: Dashboard) -> list[str]:
    """Return the prompts of the shown tiles in their order."""
    return [str(one.get_attribute("title")) for one in page.all(".tile-link")]


def shows(page: Dashboard, expected: list[str]) -> None:
    page.browser.until(lambda: titles(page) == expected, f"{expected} in the Gallery")


@pytest.mark.nightly
def test_each_filter_finds_and_the_address_keeps_it(gallery: Dashboard) -> None:
    shows(gallery, NEWEST)
    choices = {
        "status": ("Stopped", ["an elm"]),
        "source": ("shop", ["a boat"]),
        "model": ("demo_nightfall", ["a cloud"]),
        "tag": ("holiday", ["a dune", "an apple"]),
    }
    for name, (item, found) in choices.items():
        gallery.click(f"[data-filter={name}]")
        gallery.click("[role^=menuitem]", item)
        shows(gallery, found)
        gallery.see(f"[data-filter={name}]", item)
        assert f"{name}=" in gallery.driver.current_url
        gallery.driver.refresh()
        shows(gallery, found)
        gallery.click(".filters button", "Clear filters")
        shows(gallery, NEWEST)
        assert gallery.driver.current_url.endswith("#/gallery")
    today = datetime.date.today()
    for name, day, found in (("from", 1, []), ("from", 0, NEWEST), ("to", -1, []), ("to", 1, NEWEST)):
        date = (today + datetime.timedelta(days=day)).isoformat()
        gallery.driver.execute_script(SET_DATE, gallery.see(f"[data-date={name}]"), date)
        shows(gallery, found)
        assert f"{name}={date}" in gallery.driver.current_url


@pytest.mark.nightly
def test_back_and_forward_keep_the_filters(gallery: Dashboard) -> None:
    gallery.click("[data-filter=tag]")
    gallery.click("[role^=menuitem]", "holiday")
    shows(gallery, ["a dune", "an apple"])
    gallery.click(".tile-link[title='an apple']")
    gallery.see(".task-head h1", "an apple")
    gallery.driver.back()
    shows(gallery, ["a dune", "an apple"])
    gallery.see("[data-filter=tag]", "holiday")
    gallery.browser.until(
        lambda: gallery.driver.switch_to.active_element.get_attribute("title") == "an apple", "the focus on its tile"
    )
    gallery.driver.forward()
    gallery.see(".task-head h1", "an apple")
    gallery.press(Keys.ARROW_LEFT)
    gallery.see(".task-head h1", "a dune")


@pytest.mark.nightly
def test_the_next_one_takes_the_place_of_a_deleted_one(gallery: Dashboard, archive: Archive) -> None:
    doomed = {name: archive.client.draw(prompt=name)["task_id"] for name in ("third", "second", "first")}
    shows(gallery, ["first", "second", "third", *NEWEST])
    gallery.click(".tile-link")
    gallery.see(".task-head h1", "first")
    gallery.press(Keys.ARROW_RIGHT)
    gallery.see(".task-head h1", "second")
    gallery.press(Keys.DELETE)
    gallery.click("dialog .primary", "Delete 1")
    gallery.see(".task-head h1", "third")
    gallery.click(".note button", "Undo")
    gallery.see(".task-head h1", "second")
    gallery.press(Keys.ARROW_RIGHT)
    gallery.see(".task-head h1", "third")
    gallery.press(Keys.ARROW_LEFT)
    gallery.see(".task-head h1", "second")
    gallery.press(Keys.DELETE)
    gallery.click("dialog .primary", "Delete 1")
    gallery.see(".task-head h1", "third")
    # One that another client deletes makes the list shorter as well.
    assert archive.client.request("DELETE", f"/tasks/{doomed['first']}").status_code == 204
    gallery.press(Keys.ARROW_RIGHT)
    gallery.see(".task-head h1", NEWEST[0])
    gallery.press(Keys.ARROW_LEFT)
    gallery.see(".task-head h1", "third")
    gallery.driver.refresh()  # the deletion is sent when the page is left
    gallery.see(".task-head h1", "third")
    wait_for(lambda: archive.client.get(f"/tasks/{doomed['second']}").status_code == 404, "the deletion")
    gallery.go("#/gallery")
    shows(gallery, ["third", *NEWEST])
    assert archive.client.request("DELETE", f"/tasks/{doomed['third']}").status_code == 204
    shows(gallery, NEWEST)


def test_many_are_selected_tagged_downloaded_and_deleted(gallery: Dashboard, archive: Archive, tmp_path: Path) -> None:
    gallery.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path), "eventsEnabled": False}
    )
    for name in ("doomed two", "doomed one"):
        archive.client.draw(prompt=name)
    shows(gallery, ["doomed one", "doomed two", *NEWEST])
    box = "document.querySelector(\".tile[data-index='{}'] .tile-box\")"
    gallery.driver.execute_script(f"{box.format(0)}.click()")
    gallery.see(".selection-bar", "1 selected")
    shift_click = "dispatchEvent(new MouseEvent('click', {shiftKey: true, bubbles: true}))"
    gallery.driver.execute_script(f"{box.format(2)}.{shift_click}")
    gallery.see(".selection-bar", "3 selected")
    ActionChains(gallery.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).perform()
    gallery.see(".selection-bar", "8 selected")
    gallery.press(Keys.ESCAPE)
    gallery.see_none(".selection-bar")
    for index in (0, 1):
        gallery.driver.execute_script(f"{box.format(index)}.click()")
    gallery.see(".selection-bar", "2 selected")

    gallery.click(".selection-bar button", "Tag")
    gallery.write("#ask-input", "doomed")
    gallery.press(Keys.ENTER)
    tagged = {"query": "history", "tag": "doomed"}
    wait_for(lambda: len(archive.client.tasks(**tagged)["history"]) == 2, "two tagged tasks")
    records = archive.client.tasks(**tagged)["history"]

    gallery.click(".selection-bar button", "Download")
    gallery.see(".note", "The images of 2 tasks are being packed.")
    wait_for(lambda: list(tmp_path.glob("*.zip")), "the zip file")
    (archive_file,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(archive_file) as packed:
        assert packed.testzip() is None
        images = {Path(name).name for name in packed.namelist() if name.endswith(".png")}
    assert images == {Path(urlsplit(record["images"][0]["url"]).path).name for record in records}

    gallery.see(".selection-bar", "2 selected")
    gallery.press(Keys.DELETE)
    gallery.click("dialog .primary", "Delete 2")
    shows(gallery, NEWEST)
    # A search does not bring them back while they can be: neither one of the page's own, nor one of the reader.
    newcomer = archive.client.draw(prompt="a newcomer")["task_id"]
    shows(gallery, ["a newcomer", *NEWEST])
    gallery.write("#gallery-search", "doomed")
    gallery.see(".wall-place", "No task matches these filters")
    gallery.driver.refresh()
    gallery.go("#/gallery")
    shows(gallery, ["a newcomer", *NEWEST])
    assert archive.client.request("DELETE", f"/tasks/{newcomer}").status_code == 204
    shows(gallery, NEWEST)
    wait_for(lambda: not archive.client.tasks(**tagged)["history"], "the deletions")


def test_a_date_is_searched_for_once_it_is_whole(gallery: Dashboard) -> None:
    first = gallery.see('[data-date="from"]')
    for text in ("0002-01-01", "0020-01-01", "0202-01-01", "2020-01-01"):
        gallery.driver.execute_script(SET_DATE, first, text)
    gallery.browser.until(lambda: "from=2020-01-01" in gallery.driver.current_url, "the date in the address")
    gallery.go("#/gallery?from=9999-99-99&status=nope")
    gallery.see(".gallery-head .num", f"{len(PROMPTS)} tasks")


def test_a_search_ends_with_its_page(gallery: Dashboard) -> None:
    gallery.write("#gallery-search", "cloud")
    gallery.go("#/models")
    gallery.see("h1", "Models")
    gallery.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert gallery.driver.current_url.endswith("#/models")


def test_the_way_back_knows_what_has_ended_since(gallery: Dashboard, archive: Archive) -> None:
    shows(gallery, NEWEST)
    gallery.click(".tile-link[title='a dune']")
    gallery.see(".task-head h1", "a dune")
    newcomer = archive.client.draw(prompt="a newcomer")["task_id"]
    gallery.click("nav.nav a", "Gallery")
    shows(gallery, ["a newcomer", *NEWEST])
    gallery.click(".tile-link[title='a dune']")
    gallery.see(".task-head h1", "a dune")
    assert archive.client.request("DELETE", f"/tasks/{newcomer}").status_code == 204
    gallery.click("nav.nav a", "Gallery")
    shows(gallery, NEWEST)
    # Further down the list stays, and a button says how many are new.
    gallery.size(600, 320)
    gallery.driver.execute_script("scrollTo(0, 150)")
    gallery.driver.execute_script("document.querySelector(\".tile-link[title='an apple']\").click()")
    gallery.see(".task-head h1", "an apple")
    later = archive.client.draw(prompt="a later one")["task_id"]
    gallery.driver.back()
    gallery.see(".new-pill", "1 new").click()
    gallery.see(".tile-link[title='a later one']")
    gallery.see_none(".new-pill")
    assert archive.client.request("DELETE", f"/tasks/{later}").status_code == 204


def test_another_key_does_not_see_the_former_ones_list(gallery: Dashboard, archive: Archive) -> None:
    answer = archive.client.post("/v1/keys", json={"name": "guest", "scopes": ["read", "generate"]})
    guest = Client(archive.url, answer.json()["key"])
    own = guest.draw(prompt="the guest's own")["task_id"]
    shows(gallery, ["the guest's own", *NEWEST])
    gallery.click(".tile-link[title='a dune']")
    gallery.see(".task-head h1", "a dune")
    gallery.named(".tools button", "Account").click()
    gallery.click("[role=menuitem]", "Sign out")
    gallery.write("form.sign-in [type=password]", key_of(guest))
    gallery.press(Keys.ENTER)
    gallery.see(".empty a", "Gallery").click()
    shows(gallery, ["the guest's own"])
    assert archive.client.request("DELETE", f"/tasks/{own}").status_code == 204
    lines = gallery.browser.console()
    assert all("401" in line or "404" in line for line in lines), lines


def test_a_selection_ends_with_its_page(gallery: Dashboard) -> None:
    gallery.driver.execute_script("document.querySelector('.tile-box').click()")
    gallery.see(".selection-bar", "1 selected")
    gallery.see("body.selecting")
    gallery.go("#/models")
    gallery.see("h1", "Models")
    assert not gallery.all("body.selecting")
