"""Restarts, proxies and odd answers: what the client outlasts, and what its errors may show."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fooocus_api_client import AsyncClient, Client, ConnectionFailed, NotFound, TaskUpdate, UnexpectedAnswer, picture_of
from fooocus_api_client.calls.tools import describe, mask
from fooocus_api_client.cli.commands.batch import Rows
from fooocus_api_client.wire.connection import Server
from fooocus_api_client.wire.image_names import name_of, part_of_name
from fooocus_api_client.wire.request import Request
from fooocus_api_client.wire.retries import PATIENCE_S, PATIENT_PAUSE_S, Attempts
from fooocus_api_client.wire.sse import EventParser

from fooocus_api.tests.client.constants import QUICK
from fooocus_api.tests.support.host import Host

FIELDS: Any = QUICK
URL = "http://fooocus.example"
STREAMS = [
    ("text/event-stream", b": heartbeat\n\n" + b'event: error\ndata: {"code": "shutting_down", "status": 503}\n\n'),
    ("text/event-stream", b'data: {"message": "Finished", "progress": 100, "preview": null, "images": []}\n\n'),
]
"""Types and bodies that a server answers one after the other, before and after a restart."""


@pytest.fixture
def answering() -> Iterator[Callable[[list[tuple[str, bytes]]], tuple[str, list[str]]]]:
    """Return a function that starts a server with such answers, and returns its URL and the keys of its requests."""
    servers: list[HTTPServer] = []

    def start(answers: list[tuple[str, bytes]]) -> tuple[str, list[str]]:
        left, keys = list(answers), []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keys.append(self.headers["Idempotency-Key"])
                self.rfile.read(int(self.headers["Content-Length"]))
                kind, body = left.pop(0)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Print nothing."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", keys

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_stream_continues_after_a_restart(answering: Any) -> None:
    url, keys = answering(STREAMS)
    with Client(url) as client:
        assert [message.message for message in client.stream("a cat")] == ["Finished"]
    assert len(keys) == 2 and len(set(keys)) == 1


def test_a_page_in_place_of_a_stream_is_an_error(answering: Any) -> None:
    url, _ = answering([("text/html", b"<html>")])
    with Client(url) as client, pytest.raises(UnexpectedAnswer, match="in place of events"):
        list(client.stream("a cat"))


def test_patience_ends_after_minutes() -> None:
    now = [0.0]
    attempts = Attempts(Request("GET", "/tasks/1/events", outlasts=True), reached=True, clock=lambda: now[0])
    while now[0] <= PATIENCE_S:
        pause = attempts.after_error(URL, OSError("refused"), was_sent=False)
        assert 0 < pause <= PATIENT_PAUSE_S * 1.25
        now[0] += pause
    with pytest.raises(ConnectionFailed):
        attempts.after_error(URL, OSError("refused"), was_sent=False)


@pytest.mark.parametrize(("retries", "reached", "pauses"), [(4, False, 4), (0, True, 0)])
def test_a_server_that_never_answered_gets_no_patience(retries: int, reached: bool, pauses: int) -> None:
    attempts = Attempts(Request("GET", "/tasks/1/events", outlasts=True), retries, reached=reached)
    for _ in range(pauses):
        attempts.after_error(URL, OSError("refused"), was_sent=False)
    with pytest.raises(ConnectionFailed):
        attempts.after_error(URL, OSError("refused"), was_sent=False)


def test_an_id_counts_once_its_event_is_complete() -> None:
    parser = EventParser()
    assert not list(parser.feed(b"id: 4\nda")) and parser.last_id is None
    assert [event.data for event in parser.feed(b"ta: {}\n\n")] == ["{}"] and parser.last_id == "4"


def test_the_timeouts_are_those_of_the_client(demo: Host) -> None:
    with httpx.Client(timeout=0.000001) as http, Client(demo.url, http=http) as client:
        assert client.generate("a cat", **FIELDS).task_status == "finished"
    server = Server(URL)
    assert server.arguments(Request("GET", "/tasks"))["timeout"].read == server.timeout
    for call in (describe(b"", "Photo"), mask(b"", {})):
        assert server.arguments(call.request)["timeout"].read is None and not call.request.repeatable


def test_a_key_is_in_no_error(demo: Host) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        Client(URL, "geheim\u00e9")
    assert "geheim" not in str(caught.value)
    with (
        httpx.Client(headers={"X-Other": "geheim\n"}) as http,
        Client(demo.url, http=http) as client,
        pytest.raises(ConnectionFailed) as failed,
    ):
        client.catalog.info()
    assert "geheim" not in str(failed.value) and failed.value.__cause__ is None
    assert Server(URL, "k").arguments(Request("GET", "/tasks"))["follow_redirects"] is False
    assert Server("http://user:geheim@fooocus.example/a@b").shown == "http://fooocus.example/a@b"


@pytest.mark.parametrize("url", ["http://[", "http://host:port", "ftp://user:geheim@x"])
def test_a_wrong_url_is_named(url: str) -> None:
    with pytest.raises(ValueError, match="is not one") as caught:
        Client(url)
    assert "geheim" not in str(caught.value)


def test_proxies_of_the_environment(demo: Host, fooocus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Client(demo.url) as client:
        assert client.catalog.styles()
    done = fooocus("styles", "--url", URL)
    assert done.exit_code in (1, 3) and done.stderr.startswith("error: ")  # 3 where a package for SOCKS is installed


def test_damaged_answers_are_errors_of_the_client(answering: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        picture_of("data:image/png;base64,a")
    url, _ = answering([("application/json", b'"data:image/png;base64,a"')])
    with Client(url) as client, pytest.raises(UnexpectedAnswer, match="base64"):
        client.tools.mask(b"")
    with Client(url) as client, pytest.raises(UnexpectedAnswer):
        client.download("http://host:port/a.png")


@pytest.mark.parametrize(
    ("url", "name"), [("/outputs/a.png", "a.png"), ("/x/..", "image"), ("/x/..%5C..%2Fb.png", "b.png")]
)
def test_names_lead_to_no_other_folder(url: str, name: str) -> None:
    assert name_of(url) == name
    assert part_of_name("../a:b") == "_a_b"


def test_callbacks_may_be_coroutines(demo: Host) -> None:
    kinds: list[str] = []

    async def note(update: TaskUpdate) -> None:
        await asyncio.sleep(0)
        kinds.append(update.kind)

    async def run() -> None:
        async with AsyncClient(demo.url) as client:
            await client.generate("a cat", on_update=note, **FIELDS)

    asyncio.run(run())
    assert kinds[-1] == "finished"


def test_a_missing_image_ends_no_batch(api: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch = api.batches.wait(api.batches.create([{"prompt": name, **QUICK} for name in ("a", "b")]).batch_id)
    first, second = api.batches.results(batch.batch_id)
    assert first.task_id is not None
    api.tasks.delete(first.task_id)
    rows = Rows(api, tmp_path, as_json=False)
    for result in (first, second, second):
        rows.put(result)
    assert rows.missing == 1 and "image 1 is missing" in capsys.readouterr().err
    assert [path.name[:5] for path in tmp_path.iterdir()] == ["00002"]


def test_an_archive_is_complete_or_absent(api: Client, tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    path.write_bytes(b"old")
    with pytest.raises(NotFound):
        api.batches.save_archive("0" * 32, path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("images.zip", b"old")]


def test_stop_treats_each_id_by_itself(api: Client, fooocus: Any) -> None:
    ended = api.generate("a cat", **FIELDS)
    done = fooocus("stop", "0" * 32, ended.task_id, "--json")
    assert done.exit_code == 5 and json.loads(done.stdout)["task_status"] == "finished"
    assert fooocus("stop", ended.task_id, "--json").exit_code == 0 == fooocus("stop", ended.task_id).exit_code


def test_a_wrong_preview_is_reported_first(api: Client, fooocus: Any) -> None:
    assert fooocus("generate", "x", "--tag", "unseen", "--preview", "braille").exit_code == 2
    assert not any(api.tasks.cards("all", tag=["unseen"]).received.values())


def test_login_keeps_the_key_of_the_same_server(demo: Host, fooocus: Any, settings: Path) -> None:
    assert fooocus("login", demo.url, "--key", " first ").exit_code == 0
    assert fooocus("login", demo.url).exit_code == 0 and json.loads(settings.read_text("utf-8"))["key"] == "first"
    assert fooocus("login", demo.url, "--key", "").exit_code == 0 and "key" not in json.loads(
        settings.read_text("utf-8")
    )
