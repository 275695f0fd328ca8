"""The WebUI's login as the API's authentication when no key is configured, and warnings about exposure at the start."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from fooocus_api.adapters.startup.exposure_warnings import warnings
from fooocus_api.adapters.startup.launch_flags import add_flags, read_settings
from fooocus_api.tests.support.client import QUICK, Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.keys import add_key

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

USER, PASSWORD = "ann", "open sesame"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the demo with one user."""
    folder = copy_checkout(DEMO, tmp_path_factory.mktemp("login") / "checkout")
    (folder / "auth.json").write_text(json.dumps([{"user": USER, "pass": PASSWORD}]))
    return folder


@pytest.fixture(scope="module")
def guarded(checkout: Path) -> Iterator[Host]:
    with demo_host(checkout=checkout) as host:
        yield host


def logged_in(host: Host) -> Client:
    client = Client(host.url)
    answer = client.post("/login", data={"username": USER, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


def test_a_token_needs_a_key(guarded: Host) -> None:
    refused = logged_in(guarded).post("/v1/tokens")
    assert refused.status_code == 409 and refused.json()["code"] == "no_api_key"


def test_a_session_needs_a_key_and_the_login_counts(guarded: Host) -> None:
    stranger, ann = Client(guarded.url), logged_in(guarded)
    state = stranger.get("/v1/session").json()
    assert (state["needs"], state["by"], state["scopes"]) == ("login", None, [])
    assert stranger.post("/v1/session", json={"key": "any"}).json()["code"] == "no_api_key"
    state = ann.get("/v1/session").json()
    assert (state["needs"], state["by"], len(state["scopes"])) == (None, "login", 5)
    assert "webui_link.js" in stranger.get("/").text and stranger.get("/dashboard").status_code == 200


PATHS = ["/v1/info", "/tasks", "/v1/events", "/docs", "/v1/openapi.json", "/metrics", "/outputs/2026-01-01/x.png"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_login_nothing_is_answered(guarded: Host, path: str) -> None:
    for cookies in ({}, {"access-token": "x", "access-token-unsecure": ""}, {"access-token-unsecure": "None"}):
        response = Client(guarded.url).get(path, cookies=cookies)
        assert response.status_code == 401 and response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert Client(guarded.url, "any key").get(path).status_code == 401


def test_who_has_logged_in_may_do_everything(guarded: Host) -> None:
    client = logged_in(guarded)
    record = client.draw()
    assert record["source"] == "api" and client.get(record["result"][0]).status_code == 200
    assert client.get("/metrics").status_code == 200 and client.get("/docs").status_code == 200
    assert client.tasks()["history"]
    stranger = Client(guarded.url)
    assert stranger.get(record["result"][0]).status_code == 401
    assert stranger.post("/v1/engine/generate/", json=QUICK).status_code == 401
    assert stranger.get("/healthz").status_code == 200


def test_the_log_of_the_day_shows_its_images(guarded: Host, browser: Browser) -> None:
    client = logged_in(guarded)
    client.draw()
    browser.driver.get(guarded.url)
    for cookie in client.session.cookies:
        browser.driver.add_cookie({"name": cookie.name, "value": cookie.value})
    browser.driver.get(f"{guarded.url}/file={next(guarded.outputs.glob('*/log.html'))}")
    widths = "return [...document.images].map(image => image.complete && image.naturalWidth)"
    wait_for(lambda: all(browser.driver.execute_script(widths) or [False]), "the images of the log")


def test_a_wrong_password_opens_nothing(guarded: Host) -> None:
    client = Client(guarded.url)
    assert client.post("/login", data={"username": USER, "password": "wrong"}).status_code == 400
    assert client.get("/v1/info").status_code == 401


def test_with_a_key_the_key_counts_and_not_the_login(checkout: Path) -> None:
    with demo_host(checkout=checkout) as host:
        client = logged_in(host)
        assert client.get("/v1/info").status_code == 200
        bot = add_key(host, "bot")
        assert client.get("/v1/info").status_code == 401 and bot.get("/v1/info").status_code == 200
        assert client.get("/config").status_code == 200


def test_without_the_webui_nobody_can_log_in_and_that_is_said(checkout: Path) -> None:
    with demo_host("--nowebui", checkout=checkout) as host:
        assert Client(host.url).get("/v1/info").status_code == 401
        assert "the API refuses all requests. Remedy: `--apikey KEY`" in host.log()


# ------------------------------------------------------------------------- warnings


def said(*flags: str, login: bool = False, keys: bool = False) -> str:
    """Return the exposure warnings of a start with these flags."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="127.0.0.1", nargs="?", const="0.0.0.0")
    parser.add_argument("--port", type=int)
    parser.add_argument("--share", action="store_true")
    add_flags(SimpleNamespace(parser=parser))  # type: ignore[arg-type]
    return "\n".join(warnings(read_settings(parser.parse_args(flags)), login=login, keys=keys))


@pytest.mark.parametrize("flags", [(), ("--listen", "localhost"), ("--listen", "::1"), ("--listen", "127.0.0.2")])
def test_on_this_machine_alone_nothing_is_said(flags: tuple[str, ...]) -> None:
    assert said(*flags) == ""


@pytest.mark.parametrize("flags", [("--listen",), ("--listen", "192.168.0.9"), ("--listen", "::"), ("--share",)])
def test_open_to_others_is_said_with_the_cure(flags: tuple[str, ...]) -> None:
    both = said(*flags)
    assert "neither a login nor an API key" in both and "--apikey KEY" in both and "auth.json" in both
    key_alone = said(*flags, keys=True)
    assert "API keys do not protect it" in key_alone and "neither" not in key_alone
    assert "Remedy" not in said(*flags, login=True) and "Remedy" not in said(*flags, login=True, keys=True)


def test_without_the_webui_a_key_is_all_it_takes() -> None:
    open_api = said("--nowebui", "--listen")
    assert "--apikey KEY" in open_api and "auth.json" not in open_api
    assert said("--nowebui", "--listen", keys=True) == ""


def test_share_says_what_it_publishes() -> None:
    for login in (False, True):
        assert "publishes the WebUI on the internet, and the API" in said("--share", login=login)
    assert said("--share", "--nowebui") == ""


def test_the_warning_is_printed(demo_factory: DemoFactory) -> None:
    assert (
        "Warning: Anyone who can reach this machine (0.0.0.0) can generate" in demo_factory("--listen", "0.0.0.0").log()
    )
