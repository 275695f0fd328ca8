"""Ports of the API and the WebUI, the API without a WebUI, and the addresses in result URLs."""

from __future__ import annotations

import socket
import time
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any

import pytest

from fooocus_api.adapters.startup.launch_flags import Settings
from fooocus_api.adapters.startup.termination import Termination
from fooocus_api.adapters.webui.file_access import FileAccess
from fooocus_api.adapters.webui.login import WebUILogin
from fooocus_api.adapters.webui.ports import is_free
from fooocus_api.adapters.webui.server import Server
from fooocus_api.api.path_prefixes import PATHS
from fooocus_api.asgi.surfaces.surface import FIRST_SEGMENTS
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, ROOT, Host, demo_host, free_port


def test_the_webui_keeps_its_paths(client: Client) -> None:
    page = client.get("/")
    assert page.status_code == 200 and "gradio" in page.text.lower()
    assert client.get("/config").json()["version"].startswith("3.41.2")
    assert "/v1/engine/generate/" not in client.get("/openapi.json").json()["paths"]


def test_the_schema_shows_the_api_alone(client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()
    assert {path.split("/")[1] for path in schema["paths"]} == (
        PATHS - FIRST_SEGMENTS - {"dashboard", "docs", "guide"}
    ) | {"v1"}
    assert {"/v1/engine/generate/", "/tasks/{task_id}", "/outputs/{date}/{file_name}"} <= set(schema["paths"])
    fields = schema["components"]["schemas"]["CommonRequest"]["properties"]
    assert "karras" in fields["scheduler_name"]["enum"]
    assert "Fooocus V2" in fields["style_selections"]["items"]["enum"]
    assert fields["image_number"] == {**fields["image_number"], "minimum": 1, "maximum": 32, "default": 1}
    assert all("description" in field or "enum" in field or "title" in field for field in fields.values())
    assert "HTTPValidationError" not in str(schema)


def test_docs_need_no_internet(client: Client) -> None:
    page = client.get("/docs").text
    assert "http://" not in page and "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs/assets/{asset}" in page
        assert client.get(f"/docs/assets/{asset}").status_code == 200


def test_a_connection_that_was_idle_for_longer_than_uvicorn_allows_is_used_again(demo_factory: DemoFactory) -> None:
    second = free_port()
    host = demo_factory("--api-port", str(second))
    connections = [HTTPConnection("127.0.0.1", port, timeout=30) for port in (host.port, second)]
    sockets = []
    for connection in connections:
        connection.request("GET", "/ping")
        assert connection.getresponse().read() == b'"pong"'
        sockets.append(connection.sock)
    time.sleep(6)  # uvicorn's own limit is 5 s
    for connection, own in zip(connections, sockets, strict=True):
        connection.request("GET", "/ping")
        assert connection.getresponse().read() == b'"pong"' and connection.sock is own
        connection.close()


POISONED = """
import mimetypes, runpy, sys
mimetypes.knownfiles[:] = [sys.argv[1]]  # gradio reads them again
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class PoisonedHost(Host):
    """A host on a machine with wrong MIME types, as editors leave them in the registry of Windows."""

    def _command(self) -> list[str]:
        python, *rest = super()._command()
        types = self.folder / "mime.types"
        types.write_text("text/plain js css png\n", "utf-8")
        return [python, "-c", POISONED, str(types), *rest]


def test_docs_have_their_types_whatever_the_system_says() -> None:
    with PoisonedHost(DEMO, flags=("--nowebui", "--disable-in-browser", "--disable-analytics"), patience=90) as host:
        client = Client(host.url)
        types = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
        for asset, media_type in types.items():
            answer = client.get(f"/docs/assets/{asset}")
            assert answer.headers["content-type"].split(";")[0] == media_type
            again = client.get(f"/docs/assets/{asset}", headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304


def test_where_all_may_come_the_address_is_a_number() -> None:
    """Replace Gradio's "localhost": on Windows each new connection to it tries ::1 first, on which nothing listens."""
    with demo_host("--listen", "0.0.0.0") as host:
        assert f"[Fooocus API] {host.url}/docs" in host.log()
        assert f"[Fooocus API] http://localhost:{host.port}" not in host.log()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:7865", "http://127.0.0.1:7865"),
        ("https://localhost", "https://127.0.0.1"),
        ("http://localhost.example:7865", "http://localhost.example:7865"),
        ("http://[::1]:7865", "http://[::1]:7865"),
        ("http://192.168.1.9:7865", "http://192.168.1.9:7865"),
    ],
)
def test_what_is_announced_is_what_webhooks_say(url: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    application: Any = SimpleNamespace(listening=told.append, drain=lambda _: False)
    Server(application, Settings, FileAccess(ROOT), WebUILogin(), Termination()).on_listening(url)
    assert told == [shown] and capsys.readouterr().out == f"[Fooocus API] {shown}/docs\n"


def test_a_port_that_another_program_has_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probe the port exclusively on Windows, where two programs may share one."""
    options: list[tuple[int, int]] = []

    class Probe(socket.socket):
        def setsockopt(self, level: int, option: int, value: Any) -> None:  # type: ignore[override]
            options.append((level, option))
            super().setsockopt(level, socket.SO_REUSEADDR if option == ~4 else option, value)

    monkeypatch.setattr(socket, "socket", Probe)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options.clear()
        assert not is_free("127.0.0.1", taken.getsockname()[1])
        monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", ~4, raising=False)
        assert not is_free("127.0.0.1", taken.getsockname()[1])
    assert options == [(socket.SOL_SOCKET, socket.SO_REUSEADDR), (socket.SOL_SOCKET, ~4)]
    assert is_free("127.0.0.1", free_port())


def test_info_tells_what_runs(client: Client) -> None:
    info = client.get("/v1/info").json()
    assert info["supported"] and info["problem"] is None and info["worker_alive"] and info["webui"]
    assert info["arguments"] == 152 and info["gradio_version"] == "3.41.2"
    assert set(info["patched"].values()) == {"patched"}


def test_our_answers_are_not_stamped_by_gradios_cors(client: Client) -> None:
    response = client.get("/v1/info", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in response.headers


def test_without_the_webui(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--nowebui").url)
    root = client.get("/", allow_redirects=False)
    assert root.status_code == 307 and root.headers["location"] == "docs"
    assert client.get("/config").status_code == 404
    assert client.get("/v1/info").json()["webui"] is False
    assert client.draw()["task_status"] == "finished"


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_a_second_port_with_the_api_alone(demo_factory: DemoFactory, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    if by == "environment":
        monkeypatch.setenv("API_PORT", str(port))
    host = demo_factory(*(["--api-port", str(port)] if by == "flag" else []))
    second, first = Client(f"http://127.0.0.1:{port}"), Client(host.url)
    record = second.draw()
    assert record["result"][0].startswith(second.url)
    assert first.task(record["task_id"])["result"][0].startswith(first.url)
    assert second.get("/", allow_redirects=False).headers["location"] == "docs"
    assert second.get("/config").status_code == 404
    assert [event.data["message"] for event in second.stream()][-1] == "Finished"


def test_a_taken_second_port_is_said_and_the_rest_goes_on(demo_factory: DemoFactory, demo: Host) -> None:
    host = demo_factory("--api-port", str(demo.port))
    assert f"port {demo.port} is in use" in host.log()
    assert Client(host.url).draw()["task_status"] == "finished"


@pytest.mark.parametrize(
    "flags", [("--api-port", "many"), ("--api-port", "0"), ("--base-url", "example.com"), ("--typo",)]
)
def test_wrong_flags_end_the_start_with_a_reason(demo_factory: DemoFactory, flags: tuple[str, ...]) -> None:
    with pytest.raises(Exception, match=flags[0]):
        demo_factory(*flags)


def test_urls_follow_the_address_the_client_used(client: Client, demo: Host) -> None:
    def first_url(headers: dict[str, str]) -> str:
        task = client.draw()
        return str(client.get(f"/tasks/{task['task_id']}", headers=headers).json()["result"][0])

    assert first_url({"Host": f"localhost:{demo.port}"}).startswith(f"http://localhost:{demo.port}/outputs/")
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "draw.example", "X-Forwarded-Prefix": "/fooocus"}
    assert first_url(proxied).startswith("https://draw.example/fooocus/outputs/")
    assert first_url({**proxied, "X-Forwarded-For": "203.0.113.7"}).startswith("https://draw.example/fooocus/outputs/")


@pytest.mark.parametrize(
    "forwarded",
    [
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Proto": "ht tp"},
        {"X-Forwarded-Host": "a b"},
        {"X-Forwarded-Prefix": "@evil.example"},
        {"X-Forwarded-Prefix": ".evil.example"},
        {"X-Forwarded-Prefix": "/a b"},
        {"X-Forwarded-Prefix": "/a?b=/"},
    ],
    ids=lambda headers: "{}: {}".format(*next(iter(headers.items()))),
)
def test_what_is_forwarded_makes_no_url_that_leads_elsewhere(
    client: Client, demo: Host, forwarded: dict[str, str]
) -> None:
    task = client.draw()
    url = client.get(f"/tasks/{task['task_id']}", headers=forwarded).json()["result"][0]
    assert url.startswith(f"{demo.url}/outputs/")


def test_base_url_beats_what_the_client_used(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--base-url", "https://draw.example/api/").url)
    assert client.draw()["result"][0].startswith("https://draw.example/api/outputs/")


@pytest.mark.parametrize("flags", [(), ("--nowebui",)], ids=["with the WebUI", "API alone"])
def test_ctrl_c_ends_it_at_once_and_the_history_stays(demo_factory: DemoFactory, flags: tuple[str, ...]) -> None:
    host = demo_factory(*flags, step_ms=20)
    client = Client(host.url)
    done = client.draw(prompt="kept")
    cut = client.submit(overwrite_step=60)
    client.until(cut["task_id"], "running")
    assert host.stop() == 0
    assert "Traceback" not in host.log()
    host.start()
    assert client.task(done["task_id"])["req_params"]["prompt"] == "kept"
    assert client.ended(cut["task_id"])["task_status"] == "finished"
