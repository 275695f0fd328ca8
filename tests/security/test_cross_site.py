"""Cross-origin protection (CSRF): other sites change nothing, also not from a real browser."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from starlette.types import Scope

from fooocus_api.asgi.cross_origin import CrossOriginProtection, TrustedOrigins
from fooocus_api.tests.support.browsers.cross_site import FOREIGN, refused
from fooocus_api.tests.support.client import QUICK, Client, Record
from fooocus_api.tests.support.host import Host, demo_host

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
DELETE = "/tasks?action=delete&end_at=2999-01-01"


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Host]:
    """Yield a demo host that listens beyond loopback and has slow steps."""
    with demo_host("--listen", "0.0.0.0", step_ms=100) as host:
        yield host


@pytest.fixture
def kept(client: Client) -> Record:
    """Return a task that has to survive the test."""
    return client.draw()


# ------------------------------------------------------------------ what is refused and what passes

NOT_OURS = {
    "a browser's word": {"Sec-Fetch-Site": "cross-site"},
    "another port of this machine": {"Sec-Fetch-Site": "same-site"},
    "its origin": {"Origin": FOREIGN},
    "an opaque origin": {"Origin": "null"},
    "this machine, another port": {"Origin": "http://127.0.0.1:1"},
    "a name with the same beginning": {"Origin": "http://127.0.0.1.evil.example"},
    "an origin that is none": {"Origin": "http://[::1"},
    "its referer": {"Referer": f"{FOREIGN}/page", "User-Agent": CHROME},
    "both": {"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"},
    "with a cookie": {"Origin": FOREIGN, "Cookie": "access-token=x"},
}


@pytest.mark.parametrize("headers", NOT_OURS.values(), ids=NOT_OURS)
def test_a_foreign_page_changes_nothing(client: Client, kept: Record, headers: dict[str, str]) -> None:
    assert refused(client.get(DELETE, headers=headers))
    assert refused(client.request("DELETE", f"/tasks/{kept['task_id']}", headers=headers))
    assert refused(client.post("/v1/engine/generate/", json=QUICK, headers=headers))
    assert refused(client.post("/v1/engine/generate", data=json.dumps(QUICK), headers=headers))
    assert refused(client.post("/v1/engine/control?action=stop", headers=headers))
    assert refused(client.post("/inputs", files={"image": b"x"}, headers=headers))
    assert refused(client.post("/v1/tools/describe-image", files={"image": b"x"}, headers=headers))
    assert client.task(kept["task_id"])["task_status"] == "finished"


@pytest.mark.parametrize("headers", NOT_OURS.values(), ids=NOT_OURS)
def test_nor_by_way_of_the_webui(client: Client, headers: dict[str, str]) -> None:
    assert refused(client.post("/run/predict", json={"fn_index": 0, "data": []}, headers=headers))
    assert refused(client.post("/upload", files={"files": b"x"}, headers=headers))


@pytest.mark.parametrize("query", ["?action=delete", "?%61ction=delete", "?action", "?x=1&action=delete&action="])
def test_however_the_query_is_written(client: Client, query: str) -> None:
    assert refused(client.get(f"/tasks{query}", headers={"Sec-Fetch-Site": "cross-site"}))


def test_a_browser_that_says_nothing_of_where_it_comes_from(client: Client) -> None:
    """Refuse a browser without origin headers: over plain http to another machine it sends no Sec-Fetch-Site, with an image
    no Origin, and a page can suppress the Referer.
    """
    assert refused(client.get(DELETE, headers={"User-Agent": CHROME}))


def test_programs_and_our_own_pages_pass(client: Client) -> None:
    for headers in (
        {},
        {"User-Agent": "curl/8.5"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", "User-Agent": CHROME},
        {"Origin": client.url},
        {"Referer": f"{client.url}/docs", "User-Agent": CHROME},
    ):
        assert client.get("/tasks?action=delete&end_at=2000-01-01", headers=headers).status_code == 200, headers
        assert client.post("/v1/engine/control?action=stop", headers=headers).status_code == 200, headers


def test_other_sites_may_link_to_us_and_show_our_images(client: Client, kept: Record) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "User-Agent": CHROME}
    for path in ("/docs", "/tasks", "/", kept["result"][0]):
        assert client.get(path, headers=headers).status_code == 200, path


def test_a_page_behind_a_proxy_is_ours(client: Client) -> None:
    page = {"Origin": "https://draw.example"}
    control = partial(client.post, "/v1/engine/control?action=stop")
    assert control(headers={**page, "X-Forwarded-Host": "draw.example"}).status_code == 200
    assert refused(control(headers={**page, "X-Forwarded-Host": "other.example"}))


def test_a_foreign_page_opens_no_socket_to_the_webui() -> None:
    sent: list[dict[str, object]] = []

    async def app(_: Scope, __: object, send: Callable[..., Awaitable[None]]) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    def scope(origin: str) -> Scope:
        headers = [(b"host", b"localhost:7865"), (b"origin", origin.encode())]
        return {"type": "websocket", "path": "/queue/join", "headers": headers, "client": ("127.0.0.1", 5000)}

    guard = CrossOriginProtection(TrustedOrigins("127.0.0.1"), app)
    for origin in (FOREIGN, "http://localhost:7865"):
        asyncio.run(guard(scope(origin), receive, send))  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["websocket.close", "websocket.accept"]


# ------------------------------------------------------------------ a real browser

PAGE = """<!DOCTYPE html><meta name="referrer" content="{referrer}"><title>evil</title>
<form id="form" method="post" action="{target}/v1/engine/control/?action=stop" target="frame">
<input name="action" value="stop"></form>
<form id="upload" method="post" enctype="multipart/form-data" action="{target}/inputs" target="frame">
<input name="image"></form>
<iframe name="frame"></iframe>
<script>
const headers = {{"Content-Type": "application/json"}};
const body = JSON.stringify({{prompt: "from a foreign page", async_process: true}});
const image = url => new Promise(done => {{
  const tag = new Image(); tag.onload = tag.onerror = done; tag.src = url; document.body.append(tag);
}});
const submit = id => new Promise(done => {{
  document.querySelector("iframe").onload = done; document.getElementById(id).submit();
}});
window.onload = async () => {{
  await image("{target}/tasks?action=delete&end_at=2999-01-01");
  await fetch("{target}/tasks?action=delete&end_at=2999-01-01", {{mode: "no-cors", credentials: "include"}}).catch(() => 0);
  await fetch("{target}/v1/engine/generate/", {{method: "POST", mode: "no-cors", body}}).catch(() => 0);
  await fetch("{target}/v1/engine/generate/", {{method: "POST", headers, body}}).catch(() => 0);
  await fetch("{target}/tasks", {{method: "DELETE"}}).catch(() => 0);
  await submit("form");
  await submit("upload");
  await new Promise(done => {{
    const socket = new WebSocket("{target}/queue/join".replace("http", "ws"));
    socket.onopen = () => {{ document.title = "socket open"; done(); }}; socket.onerror = done;
  }});
  document.body.append("all tried");
}};
</script>"""


@pytest.fixture
def evil() -> Iterator[Callable[[str, str], str]]:
    """Yield a function that serves a hostile page, aimed at the host whose address it gets, and returns the page's address."""
    pages: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages[-1].encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(target: str, referrer: str) -> str:
        pages.append(PAGE.format(target=target, referrer=referrer))
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    server.shutdown()
    server.server_close()


def lan_address() -> str | None:
    """Return a non-loopback address of this machine: for one, browsers send no Sec-Fetch-Site over plain http."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a UDP socket sends nothing here
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith(("127.", "0.")) else address


@pytest.mark.parametrize("where", ["loopback", "network"])
@pytest.mark.parametrize("referrer", ["unsafe-url", "no-referrer"])
def test_in_a_browser_a_foreign_page_changes_nothing(
    everywhere: Host, evil: Callable[[str, str], str], browser: object, where: str, referrer: str
) -> None:
    from fooocus_api.tests.support.browsers.browser import Browser

    assert isinstance(browser, Browser)
    address = "127.0.0.1" if where == "loopback" else lan_address()
    if address is None:
        pytest.skip("this machine has no address beyond loopback")
    client = Client(everywhere.url)
    before = int(client.get("/tasks?query=all").headers["X-Total-Count"])
    done = client.draw(prompt="kept")
    running = client.submit(overwrite_step=60)
    client.until(running["task_id"], "running")
    browser.driver.get(evil(f"http://{address}:{everywhere.port}", referrer))
    browser.until_text("all tried")
    assert browser.driver.title == "evil"
    assert client.task(running["task_id"])["task_status"] in ("running", "finished")
    assert client.task(done["task_id"])["task_status"] == "finished"
    assert client.get("/tasks?query=all").headers["X-Total-Count"] == str(before + 2)
    assert not (everywhere.outputs / ".fooocus_api" / "inputs").exists()
    assert client.get(done["result"][0]).status_code == 200
    client.post(f"/tasks/{running['task_id']}/stop")
