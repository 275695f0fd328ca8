"""Pictures of the page's states, for people to look at: in both languages and themes, wide and on a phone.

They are kept in the folder that FOOOCUS_API_SCREENSHOTS names, else in the run's temporary folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from fooocus_api.tests.support.browsers.states import BUSY, IDLE, leave
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.hosts.filled_world import World, filled_world

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

FOLDER = "FOOOCUS_API_SCREENSHOTS"
THEMES = ("light", "dark")
SIZES = {"wide": (1400, 900), "phone": (390, 844)}
EMPTY = {
    "#/": ".running-idle strong, .queue-panel .empty strong",
    "#/gallery": ".empty",
    "#/batches": ".empty",
    "#/keys": ".empty",
}
FEWEST_COLOURS = 8

Shoot = Callable[["Dashboard", str], None]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the pictures."""
    named = os.environ.get(FOLDER)
    return Path(named) if named else tmp_path_factory.mktemp("screenshots")


@pytest.fixture
def shoot(folder: Path) -> Shoot:
    """Return a function that takes a picture of a state in each theme."""

    def shoot(page: Dashboard, name: str) -> None:
        width, language = page.driver.execute_script("return [innerWidth, document.documentElement.lang]")
        for theme in THEMES:
            page.driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
            path = page.screenshot(folder, f"{name}-{language}-{theme}-{width}")
            with Image.open(path) as picture:
                assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24) or ()) >= FEWEST_COLOURS, path
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width, name

    return shoot


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with filled_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def still(page_of: Callable[[Host], Dashboard]) -> Callable[[Host], Dashboard]:
    """Return a function that gives a host's page, without motion."""

    def open_page(host: Host) -> Dashboard:
        page = page_of(host)
        media = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        return page

    return open_page


@pytest.mark.nightly
def test_a_new_host_says_what_to_do(
    demo_factory: DemoFactory, still: Callable[[Host], Dashboard], shoot: Shoot
) -> None:
    page = still(demo_factory())
    page.size(*SIZES["wide"])
    page.open("#/", language="en")
    for route, words in EMPTY.items():
        page.go(route)
        assert page.see(words).text
        page.see_none(".skeleton")
        shoot(page, f"new-{route[2:] or 'overview'}")


@pytest.mark.nightly
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_state_is_pictured(
    world: World, still: Callable[[Host], Dashboard], shoot: Shoot, language: str, size: str
) -> None:
    page = still(world.host)
    page.size(*SIZES[size])
    page.open("#/", language=language)
    for name, state in IDLE.items():
        state(page, world)
        shoot(page, name)
        leave(page)
    for name, waiting, paused in (("busy", 3, False), ("paused", 3, True), ("long", 60, True)):
        with world.work(waiting, paused=paused):
            for of, state in BUSY.items():
                state(page, world)
                shoot(page, f"{name}-{of}")


@pytest.mark.nightly
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_state_of_keys_is_pictured(
    still: Callable[[Host], Dashboard], shoot: Shoot, language: str, size: str
) -> None:
    with demo_host("--apikey", "boss:s3cret") as host:
        page = still(host)
        page.size(*SIZES[size])
        page.open("#/keys", language=language)
        page.see("form.sign-in")
        shoot(page, "signed-out")
        page.write("form.sign-in [type=password]", "wrong")
        page.click("form.sign-in button")
        page.see("form.sign-in .error")
        shoot(page, "wrong-key")
        page.write("form.sign-in [type=password]", "s3cret")
        page.click("form.sign-in button")
        page.see("table td", "boss")
        page.click(".page-head .primary")
        page.write("#key-form input", "shop")
        page.click("dialog footer .primary")
        page.see(".copy-line input")
        shoot(page, "new-key")
        page.click("dialog footer .primary")
        page.see("table td", "shop")
        shoot(page, "keys-list")
        page.click("table .danger")
        page.see("dialog .danger")
        shoot(page, "revoke-question")
        leave(page)
        limited = Client(host.url, "s3cret").post("/v1/keys", json={"name": "reader", "scopes": ["read"]}).json()["key"]
        assert Client(host.url, "s3cret").request("DELETE", "/v1/session").status_code == 204
        page.driver.delete_all_cookies()
        page.open("#/", language=language)
        page.write("form.sign-in [type=password]", limited)
        page.click("form.sign-in button")
        page.see(".queue-panel")
        shoot(page, "reads-only")
        page.go("#/keys")
        page.see(".empty")
        shoot(page, "without-scope")
        for _ in range(10):
            Client(host.url).post("/v1/session", json={"key": "wrong"})
        page.driver.delete_all_cookies()
        page.open("#/", language=language)
        page.write("form.sign-in [type=password]", "wrong")
        page.click("form.sign-in button")
        page.browser.until(lambda: not page.see("form.sign-in button").is_enabled(), "the countdown")
        shoot(page, "too-many-wrong-keys")
        lines = page.browser.console()
        assert all("401" in line or "429" in line for line in lines), lines


@pytest.mark.nightly
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lost_connection_is_pictured(
    demo_factory: DemoFactory, still: Callable[[Host], Dashboard], shoot: Shoot, language: str, size: str
) -> None:
    host = demo_factory()
    page = still(host)
    page.size(*SIZES[size])
    page.open("#/", language=language)
    page.see("#connection[data-state=live]")
    host.kill()
    page.see(".banner")
    shoot(page, "reconnecting")
    assert all("net::ERR" in line for line in page.browser.console())
