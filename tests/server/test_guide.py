"""The documentation at `/guide`: its files, headers and languages, without a key, on both ports, and from the disk."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import requests

from fooocus_api.guide.serving import PAGES, POLICY
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
TYPES = {
    "index.html": "text/html; charset=utf-8",
    "zh/keys.html": "text/html; charset=utf-8",
    "_static/styles/furo.css": "text/css; charset=utf-8",
    "searchindex.js": "text/javascript; charset=utf-8",
    "_images/docs.png": "image/png",
    "_static/licenses.txt": "text/plain; charset=utf-8",
}
SEARCHES = {"": ("inpaint", "Images in requests"), "zh/": ("局部重绘", "请求和响应中的图片")}
"""Folder of a language → words to search for, and the beginning of a page's title that has them."""


@pytest.mark.parametrize("name", TYPES)
def test_a_file_is_sent_with_its_type_and_policy(name: str, client: Client) -> None:
    answer = client.get(f"/guide/{name}")
    assert answer.status_code == 200 and answer.content == (PAGES / name).read_bytes()
    assert answer.headers["content-type"] == TYPES[name]
    assert answer.headers["content-security-policy"] == POLICY and "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-cache"
    again = client.get(f"/guide/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    head = client.request("HEAD", f"/guide/{name}")
    assert head.status_code == 200 and not head.content
    assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize(
    ("path", "headers", "location"),
    [
        ("/guide", {}, "guide/"),
        ("/guide/zh", {}, "zh/"),
        ("/guide/", CHINESE, "zh/"),
        ("/guide/", {"Accept-Language": "en;q=0.5, zh-TW"}, "zh/"),
        ("/guide/", {"Accept-Language": "zh; q=0.9, en ;Q = 0.8"}, "zh/"),
    ],
)
def test_a_folder_leads_to_its_page(path: str, headers: dict[str, str], location: str, client: Client) -> None:
    answer = client.get(path, headers=headers, allow_redirects=False)
    assert answer.status_code == 307 and answer.headers["location"] == location


@pytest.mark.parametrize(
    ("path", "language", "title"),
    [
        ("/guide/", "en", "en"),
        ("/guide/", "de", "en"),
        ("/guide/", "en, zh;q=0.5", "en"),
        ("/guide/", "zh ; q=0.5 , en; q=0.9", "en"),
        ("/guide/", "zh; q=0, de", "en"),
        ("/guide/", "zh;q=x, en", "en"),
        ("/guide/index.html", "zh", "en"),
        ("/guide/zh/", "en", "zh-CN"),
        ("/guide/", "zh", "zh-CN"),
    ],
)
def test_a_reader_gets_the_own_language(path: str, language: str, title: str, client: Client) -> None:
    page = client.get(path, headers={"Accept-Language": language})
    assert page.status_code == 200 and f'lang="{title}"' in page.text[:200].replace("_", "-")


@pytest.mark.parametrize(
    "path",
    ["../serving.py", "..%2fserving.py", "%2e%2e/serving.py", "/etc/passwd", "_static/", "zh/../../serving.py", "x"],
)
def test_other_paths_are_refused(path: str, demo: Host) -> None:
    prepared = requests.Request("GET", demo.url).prepare()
    prepared.url = f"{demo.url}/guide/{path}"
    answer = requests.Session().send(prepared, timeout=60)
    assert answer.status_code == 404 and answer.json()["code"] == "path_not_found"
    assert requests.post(f"{demo.url}/guide/", timeout=60).headers["allow"] == "GET, HEAD"


def test_it_needs_no_key_no_dashboard_and_is_on_both_ports(demo_factory: DemoFactory) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = demo_factory("--apikey", "secret", "--no-dashboard", "--api-port", str(port))
    for url in (host.url, f"http://127.0.0.1:{port}"):
        assert requests.get(f"{url}/guide", timeout=60).status_code == 200
    docs = requests.get(f"{host.url}/docs", headers={"X-API-KEY": "secret"}, timeout=60)
    assert '<a href="guide/">' in docs.text


def titles(browser: Browser, length: int) -> list[str]:
    """Return the first characters of each title that the search shows."""
    return [link.text[:length] for link in browser.driver.find_elements("css selector", "#search-results a")]


@pytest.mark.parametrize("place", ["disk", "server"])
def test_search_languages_and_themes_work_in_a_browser(place: str, demo: Host, browser: Browser) -> None:
    root = f"{demo.url}/guide/" if place == "server" else f"{PAGES.as_uri()}/"
    driver = browser.driver
    for folder, (words, title) in SEARCHES.items():
        driver.get(f"{root}{folder}search.html?q={words}")
        browser.until_text("找到" if folder else "matching the search query.")
        browser.until(lambda title=title: title in titles(browser, len(title)), title)  # type: ignore[misc]
    driver.get(f"{root}keys.html")
    driver.find_element("css selector", ".guide-language a").click()
    browser.until(lambda: driver.current_url == f"{root}zh/keys.html", "the page in the other language")
    theme = "return [document.body.dataset.theme, getComputedStyle(document.body).backgroundColor]"
    looks = {}
    for _ in range(3):
        name, color = driver.execute_script(theme)
        looks[name] = color
        driver.execute_script("document.querySelector('.theme-toggle-content button').click()")
    assert looks["dark"] != looks["light"]
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
    assert [address for address in loaded if not address.startswith(root)] == []
    assert [message for message in browser.console() if "Changed to" not in message] == []  # the theme's own messages
