"""Host names: protection against DNS rebinding, and malformed names in the Host header and in the request target."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from fooocus_api.asgi.cross_origin import TrustedOrigins
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.browsers.cross_site import FOREIGN, refused
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host, demo_host


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Host]:
    """Yield a demo host that listens beyond loopback."""
    with demo_host("--listen", "0.0.0.0") as host:
        yield host


def answer(port: int, path: str, *hosts: str, method: str = "GET") -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.putrequest(method, path, skip_host=True)
        for host in hosts:
            connection.putheader("Host", host)
        connection.endheaders()
        return connection.getresponse().status


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "203.0.113.7",
    "",
]


@pytest.mark.parametrize("path", ["/v1/info", "/tasks", "/", "/config", "/docs"])
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_names_are_refused_on_loopback(demo: Host, path: str, host: str) -> None:
    assert answer(demo.port, path, host) == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1234", "localhost.", "127.0.0.1", "127.8.8.8", "[::1]:7865", "a.localhost"]
)
def test_names_of_this_machine_pass(demo: Host, host: str) -> None:
    assert answer(demo.port, "/v1/info", host) == 200
    assert answer(demo.port, "/", host) == 200


def test_two_names_are_as_foreign_as_one(demo: Host) -> None:
    assert answer(demo.port, "/v1/info", "localhost", "evil.example") in (400, 403)


@pytest.mark.parametrize("path", ["/v1/info", "/", "/config"])
@pytest.mark.parametrize(
    "host",
    [
        *("draw.example/v1", "draw.example?a", "draw.example#a", "user@draw.example", "a b", "a\\b", "[::1", "a:1:2"),
        *("[zz]", "[:]", "[1:2:3:4:5:6:7:8:9]", "[127.0.0.1]", "[fe80::1%]", "[fe80::1%a/b]", "[v1.a]", "[]", "[::1]a"),
        *("x:99999", "x:65536", "[::1]:65536", "x:-1", "%zz", "a%2", "a%"),
    ],
)
def test_what_is_no_host_is_refused_where_any_name_is_taken(everywhere: Host, path: str, host: str) -> None:
    assert answer(everywhere.port, path, host) == 400


@pytest.mark.parametrize(
    "host",
    [
        *(
            "draw.example",
            "DRAW.example.:80",
            "my_pc",
            "192.0.2.7:7865",
            "draw.example:65535",
            "draw.example:",
            "a%2Db",
            "",
        ),
        *("[2001:db8::1]", "[::ffff:192.0.2.7]:80", "[fe80::1%25eth0]", "[fe80::1%eth0]:7865"),
    ],
)
def test_every_host_is_taken_there(everywhere: Host, host: str) -> None:
    assert answer(everywhere.port, "/v1/info", host) == 200
    assert answer(everywhere.port, "/", host) == 200


@pytest.mark.parametrize("path", ["@draw.example", "v1/info", "http:v1/info"])
def test_a_path_begins_with_a_slash(everywhere: Host, path: str) -> None:
    assert answer(everywhere.port, path, "draw.example") == 400


WHOLE_URLS = {
    "http://localhost/healthz": 200,
    "HTTP://LOCALHOST:1/v1/info?a=b": 200,
    "https://[::1]:7865/tasks": 200,
    "http://localhost": 200,
    "http://localhost/nothing": 404,
    "http://localhost/outputs/%5C%5Cevil.example%5Cshare/a.png": 404,
    f"http://localhost/file={DEMO}/launch.py": 403,
    "http://evil.example/healthz": 403,
    "http://user@localhost/healthz": 400,
    "http://localhost:99999/healthz": 400,
    "http:///healthz": 400,
    "http://localhost#/healthz": 400,
    "ftp://localhost/healthz": 400,
    "//localhost/healthz": 404,
}
"""Request target → its answer, with any Host header."""


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
@pytest.mark.parametrize("url", WHOLE_URLS)
def test_a_whole_url_is_taken_for_its_host_and_path(demo: Host, url: str, host: str) -> None:
    if host != "localhost" and not url.lower().startswith("http"):
        host = "localhost"  # without an authority in the target the header counts
    assert answer(demo.port, url, host) == WHOLE_URLS[url]


def test_a_whole_url_is_taken_where_the_api_is_alone_and_its_links_begin_so(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui", "--listen", "0.0.0.0")
    with closing(http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)) as connection:
        headers = {"Host": "other.example", "Content-Type": "application/json", "Prefer": "respond-async"}
        connection.request("POST", "http://draw.example/v1/engine/generate", "{}", headers)
        response = connection.getresponse()
        assert response.status == 202
        assert str(response.getheader("Location")).startswith("http://draw.example/tasks/")


def test_the_server_as_a_whole_is_nothing_to_ask_for(demo: Host) -> None:
    assert answer(demo.port, "*", "localhost", method="OPTIONS") == 400


@pytest.mark.parametrize(
    "path", ["/outputs/%5C%5Cevil.example%5Cshare/a.png", "/docs/assets/%5C%5Cevil.example%5Cshare"]
)
def test_no_name_leads_to_another_machine(demo: Host, path: str) -> None:
    assert answer(demo.port, path, "localhost") == 404


def test_the_answer_tells_the_cure(client: Client) -> None:
    response = client.get("/v1/info", headers={"Host": "draw.example"})
    assert response.headers["content-type"] == "application/problem+json"
    assert "--base-url http://draw.example" in response.json()["detail"]


def test_a_host_and_an_origin_of_kilobytes_are_repeated_in_short(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui", "--log-json")
    client, long = Client(host.url), "x" * 5000
    for headers in ({"Host": f"{long}.example"}, {"Origin": f"https://{long}.example"}):
        response = client.post("/v1/engine/control?action=stop", headers=headers)
        assert response.status_code == 403 and "xxx" in response.text and long[:200] not in response.text
    host.stop()
    assert host.log().count("rejected") == 2 and long[:200] not in host.log()


def test_the_public_name_passes(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui", "--base-url", "https://draw.example/fooocus")
    assert answer(host.port, "/v1/info", "draw.example") == 200
    assert answer(host.port, "/v1/info", "evil.example") == 403
    control = partial(Client(host.url).post, "/v1/engine/control?action=stop")
    assert control(headers={"Origin": "https://draw.example"}).status_code == 200
    assert refused(control(headers={"Origin": FOREIGN}))


def test_any_name_passes_beyond_loopback(everywhere: Host) -> None:
    assert answer(everywhere.port, "/v1/info", "any.example") == 200
    assert refused(Client(everywhere.url).post("/v1/engine/control?action=stop", headers={"Origin": FOREIGN}))


def test_what_share_publishes_is_known_once_it_is() -> None:
    address: list[str] = []
    trust = TrustedOrigins("127.0.0.1", shared=lambda: address[0] if address else None)
    assert not trust.knows("1234.gradio.live")
    address.append("https://1234.gradio.live")
    assert trust.knows("1234.gradio.live") and not trust.knows("5678.gradio.live")
    assert trust.is_own("https://1234.gradio.live", [])
