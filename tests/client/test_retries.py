"""Requests that are sent again: after broken connections, without generating twice, and after answers that pass."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from fooocus_api_client import ApiError, Client, ConnectionFailed, LimitReached
from fooocus_api_client.wire.connection import Server
from fooocus_api_client.wire.problems import error_of
from fooocus_api_client.wire.request import Answer, Request
from fooocus_api_client.wire.retries import Attempts
from fooocus_api_client.wire.sse import EventParser

from fooocus_api.tests.client.constants import QUICK
from fooocus_api.tests.support.host import Host

FIELDS: Any = QUICK
URL = "http://fooocus.example"


class BreakingProxy:
    """Passes connections on to a server, and breaks the first ones after some bytes of the answer."""

    def __init__(self, port: int, broken: int, after: int) -> None:
        self._port = port
        self._broken = broken
        self._after = after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                incoming, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            limit = self._after if self.connections <= self._broken else None
            outgoing = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=_pump, args=(incoming, outgoing, None), daemon=True).start()
            threading.Thread(target=_pump, args=(outgoing, incoming, limit), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    passed = 0
    try:
        while (chunk := source.recv(4096)) and (limit is None or passed + len(chunk) <= limit):
            target.sendall(chunk)
            passed += len(chunk)
    except OSError:
        pass
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@pytest.fixture
def proxied(demo: Host) -> Iterator[Any]:
    """Return a function that starts such a proxy in front of the demo host."""
    proxies: list[BreakingProxy] = []

    def start(broken: int, after: int = 0) -> BreakingProxy:
        proxies.append(BreakingProxy(demo.port, broken, after))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


def count(api: Client, tag: str) -> int:
    return len(api.tasks.cards("history", tag=[tag]).history)


def test_a_lost_answer_generates_once(api: Client, proxied: Any) -> None:
    proxy = proxied(broken=1)
    with Client(proxy.url) as client:
        task = client.generate("a cat", tags=["lost"], **FIELDS)
    assert task.task_status == "finished" and proxy.connections >= 2
    assert count(api, "lost") == 1


def test_a_broken_stream_continues_with_the_same_task(api: Client, proxied: Any) -> None:
    proxy = proxied(broken=2, after=600)
    with Client(proxy.url) as client:
        messages = list(client.stream("a cat", tags=["broken"], **FIELDS))
    assert messages[-1].message == "Finished" and proxy.connections >= 2
    assert count(api, "broken") == 1


def test_events_continue_behind_the_last_one(api: Client, proxied: Any) -> None:
    task = api.generate("a cat", **FIELDS)
    with Client(proxied(broken=1, after=900).url) as client:
        kinds = [update.kind for update in client.tasks.watch(task.task_id)]
    assert kinds == ["queued", "started", "image", "finished"]


def test_a_server_that_is_not_there() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{port}", retries=0) as client,
        pytest.raises(ConnectionFailed, match="is Fooocus running"),
    ):
        client.catalog.styles()


def answer(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, URL)


@pytest.mark.parametrize(
    ("given", "is_repeated"),
    [
        (answer(503), True),
        (answer(429, retry_after="1"), True),
        (answer(429, retry_after="3600"), False),
        (answer(429, b'{"code": "quota_exceeded"}'), False),
        (answer(503, b'{"code": "api_unavailable"}'), False),
        (answer(502, b"<html>"), True),
        (answer(500, b'{"code": "generation_failed"}'), False),
        (answer(422), False),
        (answer(404), False),
    ],
)
def test_answers_that_pass_are_waited_for(given: Answer, is_repeated: bool) -> None:
    pause = Attempts(Request("GET", "/tasks")).after_answer(given)
    assert (pause is not None) is is_repeated


def test_a_pause_is_as_long_as_the_server_asks_for() -> None:
    pause = Attempts(Request("GET", "/tasks")).after_answer(answer(503, retry_after="7"))
    assert pause is not None and pause >= 7


def test_attempts_end() -> None:
    attempts = Attempts(Request("GET", "/tasks"), retries=2)
    assert [attempts.after_answer(answer(503)) is None for _ in range(3)] == [False, False, True]


def test_what_can_not_be_repeated_is_sent_once() -> None:
    attempts = Attempts(Request("POST", "/tasks/1/stop", repeatable=False))
    assert attempts.after_error(URL, OSError("refused"), was_sent=False) > 0
    with pytest.raises(ConnectionFailed):
        attempts.after_error(URL, OSError("reset"), was_sent=True)


def test_an_answer_of_a_proxy_is_an_error_too() -> None:
    error = error_of(answer(502, b"<html>Bad gateway</html>"))
    assert isinstance(error, ApiError) and "502" in str(error) and error.code == ""
    limit = error_of(answer(429, b'{"code": "rate_limited", "detail": "slowly"}', retry_after="5"))
    assert isinstance(limit, LimitReached) and limit.retry_after == 5 and limit.detail == "slowly"
    assert "https://elsewhere.example" in str(error_of(answer(308, b"", location="https://elsewhere.example")))


def test_the_key_goes_to_its_server_only() -> None:
    server = Server(f"{URL}/prefix", "secret")
    assert server.arguments(Request("GET", "/tasks"))["url"] == f"{URL}/prefix/tasks"
    assert server.arguments(Request("GET", "/tasks"))["headers"]["X-API-KEY"] == "secret"
    assert "X-API-KEY" not in server.arguments(Request("GET", "https://fooocus.example/outputs/a.png"))["headers"]
    assert "secret" not in repr(server)


def test_events_in_pieces() -> None:
    text = ': listening\nid: 1\n\nevent: row\ndata: {"a":\ndata: "é"}\nid: 2\r\n\r\n'.encode()
    for size in (1, 3, len(text)):
        parser = EventParser()
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        (event,) = [event for part in parts for event in parser.feed(part)]
        assert (event.name, event.data, event.id) == ("row", '{"a":\n"é"}', "2")
