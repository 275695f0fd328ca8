"""The server behind a proxy that gives it the path `/fooocus/`: no link leaves that path."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

PREFIX = "/fooocus"
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}
TRY_IT = """
const block = document.querySelector('[id$="%s"]');
const click = (one) => { if (one) one.click(); return !!one; };
const execute = block && block.querySelector('.execute');
if (execute) return click(execute);
click(block && block.querySelector('.opblock-summary-control'));
return false;
"""


class Proxy(BaseHTTPRequestHandler):
    """A proxy that passes on requests below `/fooocus/`, without that prefix; others are 404, as on a site with other pages."""

    protocol_version = "HTTP/1.1"
    upstream: int
    forwards_prefix: bool
    seen: list[str]

    def do_GET(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.startswith(f"{PREFIX}/"):
            self.answer(404, [("Content-Type", "text/plain")], b"another site's page")
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        if self.forwards_prefix:
            headers["X-Forwarded-Prefix"] = PREFIX
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        connection.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
        answer = connection.getresponse()
        kept = [
            (name, value) for name, value in answer.getheaders() if name.lower() not in {*HOP_BY_HOP, "content-length"}
        ]
        self.answer(answer.status, kept, answer.read())
        connection.close()

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def proxied(host: Host, *, forwards_prefix: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield the address under the proxy, and the list of requests that the proxy receives."""
    seen: list[str] = []
    handler = type("Handler", (Proxy,), {"upstream": host.port, "forwards_prefix": forwards_prefix, "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}", seen
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "X-Forwarded-Prefix"])
def under(request: pytest.FixtureRequest, demo: Host) -> Iterator[tuple[str, list[str]]]:
    with proxied(demo, forwards_prefix=request.param) as address:
        yield address


def test_a_slash_at_the_end_is_no_redirect(under: tuple[str, list[str]], demo: Host) -> None:
    url, _ = under
    paths = requests.get(f"{url}/v1/openapi.json", timeout=60).json()["paths"]
    reads = [path.rstrip("/") for path, methods in paths.items() if "get" in methods and "{" not in path]
    for path in [path for path in reads if not path.endswith("/events")]:
        plain, slashed = (requests.get(f"{url}{path}{end}", allow_redirects=False, timeout=60) for end in ("", "/"))
        assert slashed.status_code == plain.status_code == 200, path
    for path, body, status in (
        ("/v1/engine/control/", {"action": "skip"}, 200),
        ("/v1/tools/describe-image/", {}, 422),
        ("/v1/engine/generate/", {"image_number": 0}, 422),
    ):
        answer = requests.post(f"{url}{path}", json=body, allow_redirects=False, timeout=60)
        assert answer.status_code == status, (path, answer.text)


def test_pages_lead_to_themselves(under: tuple[str, list[str]]) -> None:
    url, _ = under
    for path in ("", "/docs", "/docs/"):
        page = requests.get(f"{url}{path or '/docs'}", timeout=60)
        assert page.status_code == 200 and page.url == f"{url}/docs"
        assert "swagger-ui" in page.text


@pytest.mark.parametrize(
    "under",
    [pytest.param(False, id="plain", marks=pytest.mark.nightly), pytest.param(True, id="X-Forwarded-Prefix")],
    indirect=True,
)
def test_try_it_out_calls_what_is_below_the_path(under: tuple[str, list[str]], browser: Browser) -> None:
    url, seen = under
    browser.driver.get(f"{url}/docs")
    browser.until_text("/v1/info")
    del seen[:]
    browser.until(lambda: bool(browser.driver.execute_script(TRY_IT % "info_v1_info_get")), "an Execute button")
    browser.until(lambda: any("/v1/info" in request for request in seen), "a request")
    assert [request for request in seen if "info" in request] == [f"GET {PREFIX}/v1/info"]
    browser.until_text("fooocus_version")
