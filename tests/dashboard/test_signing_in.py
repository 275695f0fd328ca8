"""Signing in with a key: what is kept where, what ends it, and what each scope shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.keys import key_of
from fooocus_api.tests.support.servers.prefix_proxy import PREFIX, below_a_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

KEPT = """
return JSON.stringify([
  location.href, document.cookie, {...localStorage}, {...sessionStorage}, history.state, document.documentElement.outerHTML,
  performance.getEntriesByType("resource").map(entry => entry.name),
]);
"""
FORM = "form.sign-in [type=password]"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start a host with an administrator's key, `boss`."""
    with demo_host("--apikey", "boss:s3cret-of-the-boss", step_ms=40) as host:
        yield host


@pytest.fixture
def boss(guarded: Host) -> Client:
    return Client(guarded.url, "s3cret-of-the-boss")


@pytest.fixture
def page(guarded: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    return page_of(guarded)


def make_key(boss: Client, name: str, *scopes: str) -> str:
    """Create a key and return it."""
    answer = boss.post("/v1/keys", json={"name": name, "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def sign_in(page: Dashboard, key: str, route: str = "#/") -> None:
    page.open(route, language="en")
    page.write(FORM, key)
    page.click("form.sign-in button")
    page.see_none("form.sign-in")


def only(page: Dashboard, *statuses: str) -> None:
    """Take the console's messages, which may be of these statuses alone."""
    lines = page.browser.console()
    assert all(any(status in line for status in statuses) for line in lines), lines


def links(page: Dashboard) -> list[str]:
    """Return the names of the navigation's links."""
    return [one.text for one in page.all("nav.nav a")]


def test_a_key_is_kept_nowhere_and_its_revocation_ends_the_page(page: Dashboard, guarded: Host, boss: Client) -> None:
    key = make_key(boss, "watcher", "read", "read-all", "admin")
    page.open("#/", language="en")
    page.see(FORM)
    assert not page.all("#quick-search, .status-line[href]"), "a page that is signed out has no queue and no search"
    page.write(FORM, "fooocus_wrong")
    page.click("form.sign-in button")
    page.see("form.sign-in .error", "No such key")
    page.write(FORM, key)
    page.click("form.sign-in button")
    page.see(".queue-panel")
    page.see("#connection[data-state=live]")
    assert key not in page.driver.execute_script(KEPT)
    cookies = page.driver.execute_cdp_cmd("Network.getCookies", {"urls": [guarded.url]})["cookies"]
    assert [(one["name"], one["httpOnly"], one["sameSite"], one["path"], key in one["value"]) for one in cookies] == [
        (f"fooocus_api_{guarded.port}", True, "Strict", "/", False)
    ]
    assert key not in guarded.log()
    assert not page.all(".generate"), "a key without the scope sees no panel that generates"
    page.go("#/keys")
    page.see("table td", "watcher")
    assert boss.request("DELETE", "/v1/keys/watcher").status_code == 200
    page.see("form.sign-in")
    only(page, "401")


def test_signing_out_ends_all_tabs(page: Dashboard, boss: Client) -> None:
    driver = page.driver
    sign_in(page, key_of(boss), "#/models")
    page.see(".model-table")
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(f"{page.url}/dashboard#/stats")
    page.see("main .panel")
    page.see("#connection[data-state=live]")
    page.named(".tools button", "Account").click()
    page.click("[role=menuitem]", "Sign out")
    page.see("form.sign-in")
    second = driver.current_window_handle
    driver.switch_to.window(first)
    page.see("form.sign-in")
    driver.switch_to.window(second)
    only(page, "401")
    driver.close()
    driver.switch_to.window(first)
    only(page, "401")


@pytest.mark.parametrize(
    ("scopes", "pages"),
    [
        pytest.param(("read",), ["Overview", "Gallery", "Batches"], marks=pytest.mark.nightly),
        pytest.param(("generate",), ["Generate", "Models"], marks=pytest.mark.nightly),
        (("generate", "read"), ["Overview", "Generate", "Gallery", "Batches", "Models"]),
        pytest.param(("read-all",), ["Overview", "Gallery", "Batches", "Statistics"], marks=pytest.mark.nightly),
        pytest.param(
            ("generate", "read", "control"),
            ["Overview", "Generate", "Gallery", "Batches", "Models"],
            marks=pytest.mark.nightly,
        ),
    ],
    ids="+".join,
)
def test_scopes_decide_what_is_shown(
    page: Dashboard, guarded: Host, boss: Client, scopes: tuple[str, ...], pages: list[str]
) -> None:
    name = "-".join(("key", *scopes))
    key = make_key(boss, name, *scopes)
    running = boss.submit(prompt="the boss's own", overwrite_step=200, image_number=4)
    waiting = boss.submit(prompt="the boss's next")
    own = Client(guarded.url, key).submit(prompt="my own")["task_id"] if "generate" in scopes else None
    sign_in(page, key)
    page.browser.until(lambda: links(page) == pages, f"the pages {pages}")
    sees_others = "read-all" in scopes
    if "read" in scopes or sees_others:
        page.see(".queue-panel")
        if sees_others:
            page.see(".running-title .prompt", "the boss's own")
        else:
            page.see(".running", "another user")
            page.see(".queue-foot", "1 of others")
            assert "boss" not in page.driver.execute_script("return document.body.textContent")
        if own:
            page.see(".queue-row .prompt", "my own")
        assert bool(page.all(".generate")) == ("generate" in scopes)
        assert bool(page.all(".queue-tools button")) == ("control" in scopes and bool(own))
        page.go("#/gallery")
        page.see("main h1", "Gallery")
    else:
        page.see(".empty", "read")
    page.go("#/keys")
    page.see(".empty", "admin")
    for task in (waiting["task_id"], running["task_id"]):
        boss.post(f"/tasks/{task}/stop")
    boss.until(running["task_id"], "stopped")
    if own:
        boss.ended(own)
    only(page, "403")


@pytest.mark.nightly
def test_too_many_wrong_keys_have_to_wait(demo_factory: DemoFactory, page_of: Callable[[Host], Dashboard]) -> None:
    host = demo_factory("--apikey", "boss:s3cret")
    page = page_of(host)
    page.open("#/", language="en")
    for number in range(10):
        assert Client(host.url).post("/v1/session", json={"key": f"wrong{number}"}).status_code == 401
    page.write(FORM, "s3cret")
    page.click("form.sign-in button")
    page.see("form.sign-in .error", "Try again in")
    assert not page.see("form.sign-in button").is_enabled()
    before = page.see("form.sign-in .error").text
    page.browser.until(lambda: page.see("form.sign-in .error").text != before, "a countdown")
    assert not page.see("form.sign-in button").is_enabled()
    only(page, "429")


@pytest.mark.nightly
def test_where_no_keys_exist_the_login_of_the_webui_counts(
    tmp_path: Path, page_of: Callable[[Host], Dashboard]
) -> None:
    checkout = copy_checkout(DEMO, tmp_path / "checkout")
    (checkout / "auth.json").write_text(json.dumps([{"user": "ann", "pass": "open sesame"}]))
    with demo_host(checkout=checkout) as host:
        page = page_of(host)
        page.open("#/", language="en")
        assert page.see(".sign-in a").get_attribute("href") == f"{host.url}/"
        assert not page.all(FORM)
        done = (
            "const done = arguments[0]; const body = new URLSearchParams({username: 'ann', password: 'open sesame'});"
        )
        page.driver.execute_async_script(f"{done} fetch('/login', {{method: 'POST', body}}).then(() => done())")
        page.driver.refresh()
        page.see(".queue-panel")
        only(page, "401")


@pytest.mark.nightly
def test_below_a_path_of_a_proxy_the_cookie_is_of_that_path(
    page_of: Callable[[Host], Dashboard], guarded: Host, boss: Client
) -> None:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

    boss.draw()
    with below_a_prefix(guarded.port) as url:
        page = Dashboard(page_of(guarded).browser, url)
        sign_in(page, key_of(boss), "#/gallery")
        page.see("#connection[data-state=live]")
        page.see(".tile img.ready")
        for route in ("#/", "#/models", "#/stats"):
            page.go(route)
            page.see("main .panel")
        cookies = page.driver.execute_cdp_cmd("Network.getCookies", {"urls": [f"{url}/"]})["cookies"]
        assert [one["path"] for one in cookies] == [PREFIX]
        assert all(
            str(one.get_attribute("href")).startswith(url)
            for one in page.driver.find_elements(By.CSS_SELECTOR, "link[href]")
        )
        page.named(".tools button", "Account").click()
        assert page.see("[role=menuitem][href$='/docs']").get_attribute("href") == f"{url}/docs"
        page.click("[role=menuitem]", "Sign out")
        page.see("form.sign-in")
        only(page, "401")
        assert page.faults() == []
        page.driver.get("about:blank")
