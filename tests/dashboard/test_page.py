"""The page as a whole: language, theme, a phone's width, signing in, and a host that is restarted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

ROUTES = ("#/", "#/generate", "#/gallery", "#/batches", "#/models", "#/keys", "#/stats", "#/queue")
PHONE = (390, 844)


def test_language_and_theme_change_in_place(page: Dashboard) -> None:
    page.open("#/models", language="en")
    page.see("h1", "Models")
    page.named("button", "Language").click()
    page.click("[role=menuitemradio]", "简体中文")
    page.see("h1", "模型")
    assert page.driver.current_url.endswith("#/models")
    assert page.driver.execute_script("return document.documentElement.lang") == "zh-CN"
    page.named("button", "主题").click()
    page.click("[role=menuitemradio]", "深色")
    background = "return getComputedStyle(document.body).backgroundColor"
    dark = page.driver.execute_script(background)
    page.driver.refresh()
    page.see("h1", "模型")
    assert page.driver.execute_script(background) == dark


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.nightly)])
def test_no_page_is_wider_than_a_phone(page: Dashboard, language: str) -> None:
    page.size(*PHONE)
    page.open("#/", language=language)
    for route in ROUTES:
        page.go(route)
        page.see("main h1, main h2, main .sr, main .panel")
        page.see_none(".skeleton")
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= PHONE[0], route


@pytest.mark.nightly
def test_a_key_signs_in_and_a_revoked_one_is_out(
    demo_factory: DemoFactory, page_of: Callable[[Host], Dashboard]
) -> None:
    host = demo_factory()
    key = (
        Client(host.url)
        .post("/v1/keys", json={"name": "watcher", "scopes": ["read", "read-all", "admin"]})
        .json()["key"]
    )
    page = page_of(host)
    page.open("#/", language="en")
    page.write("form.sign-in [type=password]", "fooocus_wrong")
    page.click("form.sign-in button")
    page.see("form.sign-in .error", "No such key")
    page.write("form.sign-in [type=password]", key)
    page.click("form.sign-in button")
    page.see(".queue-panel")
    assert not page.all(".generate"), "a key without the scope sees no panel that generates"
    stored = page.driver.execute_script(
        "return JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href"
    )
    assert key not in stored
    assert Client(host.url, key).request("DELETE", "/v1/keys/watcher").status_code == 200
    page.see("form.sign-in")
    assert all("401" in line for line in page.browser.console())


@pytest.mark.nightly
def test_the_page_outlives_a_restart(demo_factory: DemoFactory, page_of: Callable[[Host], Dashboard]) -> None:
    host = demo_factory()
    page = page_of(host)
    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    host.kill()
    page.see("#connection[data-state=waiting]")
    page.see(".banner", "Connection lost")
    host.start()
    page.see("#connection[data-state=live]")
    Client(host.url).submit(prompt="after the restart")
    page.see(".strip a[title='after the restart'], .running-title .prompt")
    assert all("net::ERR" in line for line in page.browser.console())
