"""The page at `/dashboard`: its files, their headers and their addresses, with and without keys, and below a proxy's path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
import requests

from fooocus_api.dashboard.page_files import ASSETS, read_page_files
from fooocus_api.dashboard.serving import POLICY
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory

SCRIPT = re.compile(r'src="([^"]+/app\.js)"')
DECISION = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types fooocus"
)


def script_of(page: requests.Response) -> str:
    """Return the address of the page's script."""
    found = SCRIPT.search(page.text)
    assert found is not None, page.text
    return urljoin(page.url, found[1])


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/"])
def test_the_shell_leads_to_its_script(demo: Host, path: str) -> None:
    page = requests.get(demo.url + path, allow_redirects=False, timeout=60)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache" and "{{" not in page.text
    script = requests.get(script_of(page), timeout=60)
    assert script.status_code == 200 and script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"] and script.content == (ASSETS / "app.js").read_bytes()
    for answer in (page, script):
        assert answer.headers["content-security-policy"] == POLICY == DECISION
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_a_known_copy_is_not_sent_again(client: Client) -> None:
    page = client.get("/dashboard")
    for path in ("/dashboard", script_of(page)):
        tag = client.get(path).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}'):
            again = client.get(path, headers={"If-None-Match": known})
            assert again.status_code == 304 and not again.content
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_has_the_headers_alone(client: Client) -> None:
    for path in ("/dashboard", "/dashboard/", script_of(client.get("/dashboard"))):
        got, head = client.get(path), client.request("HEAD", path)
        assert head.status_code == 200 and not head.content
        assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/assets/{version}/../index.html",
        "/dashboard/assets/{version}/..%2f..%2fserving.py",
        "/dashboard/assets/{version}/%2e%2e/%2e%2e/serving.py",
        "/dashboard/assets/{version}//etc/passwd",
        "/dashboard/assets/{version}/index.html",
        "/dashboard/assets/{version}/",
        "/dashboard/assets/0/app.js",
        "/dashboard/assets/app.js",
        "/dashboard/serving.py",
        "/dashboard/..%2ftasks",
    ],
)
def test_other_paths_are_refused(demo: Host, path: str) -> None:
    prepared = requests.Request("GET", demo.url).prepare()
    prepared.url = demo.url + path.format(version=read_page_files().version)
    answer = requests.Session().send(prepared, timeout=60)
    assert answer.status_code == 404 and answer.json()["code"] == "path_not_found"
    assert answer.headers["cache-control"] == "no-store"


def test_other_methods_are_refused(client: Client) -> None:
    answer = client.post("/dashboard")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD"


def test_it_needs_no_key_and_is_on_both_ports(demo_factory: DemoFactory) -> None:
    host = demo_factory("--apikey", "secret", "--nowebui")
    for path in ("/dashboard", "/dashboard/"):
        page = requests.get(host.url + path, timeout=60)
        assert page.status_code == 200 and requests.get(script_of(page), timeout=60).status_code == 200
    assert requests.get(f"{host.url}/tasks", timeout=60).status_code == 401
    docs = requests.get(f"{host.url}/docs", headers={"X-API-KEY": "secret"}, timeout=60)
    assert '<a href="dashboard">' in docs.text


def test_without_the_dashboard_nothing_leads_to_it(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--no-dashboard").url)
    assert client.get("/dashboard").status_code == client.get("/dashboard/assets/x/app.js").status_code == 404
    assert "dashboard" not in client.get("/docs").text and b"webui_link" not in client.get("/").content


def test_the_webuis_page_is_complete(demo: Host) -> None:
    page = requests.get(demo.url, timeout=60)
    assert int(page.headers["content-length"]) == len(requests.get(demo.url, stream=True, timeout=60).raw.read())
    assert page.text.count("webui_link.js") == 1 and page.text.rstrip().endswith("</html>")
