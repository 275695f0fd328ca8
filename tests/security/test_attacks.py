"""Malicious requests, and answers that must not disclose too much, each over a socket of the demo host."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.api.routes.health import Remembered
from fooocus_api.auth.rate_limit import LimitReached, RequestRate
from fooocus_api.db.connection import Connection
from fooocus_api.outbound.address_policy import without_userinfo
from fooocus_api.tasks.model import events
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.servers.webhook_receiver import Receiver

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory

BODY = b'{"action": "skip"}'


def raw(
    host: Host, *headers: bytes, body: bytes = b"", method: bytes = b"POST", path: bytes = b"/v1/engine/control"
) -> bytes:
    """Send raw bytes and return the answer, until the server closes the connection or falls silent."""
    lines = [method + b" " + path + b" HTTP/1.1", *headers, b"", b""]
    with socket.create_connection(("127.0.0.1", host.port), timeout=5) as connection:
        connection.sendall(b"\r\n".join(lines) + body)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except TimeoutError:
            answer += b"<still open>"
        return answer


HOST = b"Host: 127.0.0.1"
JSON = b"Content-Type: application/json"


@pytest.mark.parametrize(
    "headers",
    [
        (HOST, JSON, b"Content-Length: 18", b"Transfer-Encoding: chunked"),
        (HOST, JSON, b"Transfer-Encoding: chunked", b"Content-Length: 18"),
        (HOST, JSON, b"Content-Length: 18", b"Origin: http://127.0.0.1", b"Origin: https://evil.example"),
        (HOST, b"Host: evil.example", JSON, b"Content-Length: 18"),
        (HOST, JSON, b"Content-Type: text/plain", b"Content-Length: 18"),
    ],
    ids=["length first", "length last", "two origins", "two hosts", "two types"],
)
def test_what_two_programs_may_read_in_two_ways_is_refused_and_closed(demo: Host, headers: tuple[bytes, ...]) -> None:
    chunked = b"12\r\n" + BODY + b"\r\n0\r\n\r\n"
    answer = raw(demo, *headers, body=chunked if any(b"chunked" in line for line in headers) else BODY)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert answer.count(b"HTTP/1.1") == 1 and b"<still open>" not in answer


def test_one_of_them_is_enough(demo: Host) -> None:
    for headers, body in (
        ((b"Content-Length: 18",), BODY),
        ((b"Transfer-Encoding: chunked",), b"12\r\n" + BODY + b"\r\n0\r\n\r\n"),
    ):
        assert raw(demo, HOST, JSON, *headers, b"Connection: close", body=body).startswith(b"HTTP/1.1 200")


def test_every_text_of_a_query_has_a_bound(client: Client) -> None:
    """Expect a longer value to be refused by its parameter's name and kept from the database."""
    schema = client.get("/v1/openapi.json").json()
    checked = 0
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "query" or not takes_any_text(schema, parameter["schema"]):
                    continue
                answer = client.request(
                    method.upper(),
                    path.replace("{task_id}", "0" * 32).replace("{batch_id}", "0" * 32),
                    params={parameter["name"]: "x" * 60_000},
                )
                assert answer.status_code in (422, 404), (path, parameter["name"], answer.status_code)
                checked += 1
    assert checked >= 4


def takes_any_text(schema: dict[str, Any], given: dict[str, Any]) -> bool:
    kinds = [given, *given.get("anyOf", []), given.get("items", {})]
    return any(kind.get("type") == "string" and "enum" not in kind for kind in kinds)


@pytest.mark.parametrize("sessions", ["Origin", "Sec-Fetch-Site"])
def test_another_sites_page_gains_nothing_by_a_visitors_login(
    demo_factory: DemoFactory, tmp_path: Path, sessions: str
) -> None:
    host = login_host(demo_factory, tmp_path)
    visitor = Client(host.url)
    visitor.session.post(f"{host.url}/login", data={"username": "user", "password": "password"}, timeout=30)
    assert visitor.get("/tasks").status_code == 200
    foreign = {"Origin": "https://shop.example"} if sessions == "Origin" else {"Sec-Fetch-Site": "cross-site"}
    assert visitor.get("/tasks", headers=foreign).status_code == 401
    if sessions == "Origin":
        assert visitor.post("/v1/engine/unload", headers=foreign).status_code == 401
        assert visitor.get("/tasks", headers={"Origin": host.url}).status_code == 200
    else:
        clicked = {**foreign, "Sec-Fetch-Mode": "navigate"}
        assert visitor.get("/tasks", headers=clicked).status_code == 200


def login_host(demo_factory: DemoFactory, tmp_path: Path) -> Host:
    from fooocus_api.tests.support.host import DEMO
    from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

    checkout = copy_checkout(DEMO, tmp_path / "demo")
    (checkout / "auth.json").write_text(json.dumps([{"user": "user", "pass": "password"}]))
    return demo_factory("--api-cors", "https://shop.example", checkout=checkout)


def test_health_tells_no_place_and_looks_once_a_second(demo: Host) -> None:
    body = Client(demo.url).get("/healthz").text
    assert "/" not in json.loads(body)["status"] and str(demo.outputs) not in body
    now, looks = [0.0], []

    def look() -> bool:
        looks.append(now[0])
        return True

    ask = Remembered(look, lambda: now[0])
    for now[0] in (5.0, 5.9, 6.0, 6.5, 100.0):
        assert ask()
    assert looks == [5.0, 6.0, 100.0]


def test_a_webhook_is_sent_again_a_few_times_a_minute(demo_factory: DemoFactory) -> None:
    with Receiver() as receiver:
        client = Client(demo_factory("--allow-private-urls", "127.0.0.0/8").url)
        task = client.draw(webhook_url=receiver.url)
        answers = [client.post(f"/tasks/{task['task_id']}/webhooks/resend") for _ in range(40)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:10] == [200] * 10 and 429 in statuses[10:12]
        refused = answers[-1]
        assert int(refused.headers["Retry-After"]) >= 1 and "resent" in refused.json()["detail"]


def test_buckets_of_names_that_ask_no_more_are_forgotten() -> None:
    now = [0.0]
    rate = RequestRate(lambda: now[0], limit="x", words="{most} times")
    for number in range(30_000):
        now[0] += 0.01
        rate.take(str(number), 1)
    assert len(rate) < 20_000
    with pytest.raises(LimitReached, match="1 times"):
        rate.take("29999", 1)


def test_copies_of_a_database_do_not_pile_up(tmp_path: Path) -> None:
    connection = Connection(tmp_path / "tasks.sqlite3")
    for second in range(3):
        connection.back_up(2, [])
        for copy in tmp_path.glob("tasks.schema2-*"):
            copy.rename(copy.with_name(f"tasks.schema2-2026010{second}-000000.sqlite3"))
    connection.back_up(2, [])
    connection.back_up(3, [])
    connection.close()
    copies = sorted(re.sub(r"-.*", "", copy.name) for copy in tmp_path.glob("tasks.schema*"))
    assert copies == ["tasks.schema2", "tasks.schema3"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com/hook?a=b@c", "https://***@example.com/hook?a=b@c"),
        ("https://secret@example.com:8443", "https://***@example.com:8443"),
        ("https://u:p@ss@example.com/x", "https://***@example.com/x"),
        ("https://example.com/@user", "https://example.com/@user"),
        ("https://example.com?to=a@b", "https://example.com?to=a@b"),
        ("https://user:secret@example.com#a@b", "https://***@example.com#a@b"),
        ("", ""),
    ],
)
def test_a_password_in_a_url_is_for_its_server_alone(url: str, shown: str) -> None:
    assert without_userinfo(url) == shown


def test_records_and_webhooks_hide_it_and_the_receiver_gets_it(demo_factory: DemoFactory) -> None:
    with Receiver() as receiver:
        client = Client(demo_factory("--allow-private-urls", "127.0.0.0/8").url)
        url = receiver.url.replace("http://", "http://user:secret@")
        record = client.draw(webhook_url=url)
        client.ended(record["task_id"])
        texts = [json.dumps(record), client.get("/tasks").text, client.get(f"/tasks/{record['task_id']}").text]
        texts += [
            client.get(f"/tasks/{record['task_id']}/webhooks").text,
            client.get(f"/tasks/{record['task_id']}/events").text,
        ]
        assert not any("secret" in text for text in texts)
        assert all("***@" in text for text in texts[:3])


def test_a_clock_that_jumps_changes_no_measured_time() -> None:
    """Take durations from a monotonic clock; `at` alone comes from the wall clock."""
    early, late = events.Started("x", at=1_000_000_000_000), events.Finished("x", [], at=1)
    assert 0 <= late.clock_s - early.clock_s < 60 and late.at < early.at
