"""Server-side request forgery (SSRF): URLs from clients reach only public and allowed addresses, for all names and redirects.

Here 127.0.0.2, which the host may request, stands for the outside; the rest of this machine must never get a request.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, ROOT, Host
from fooocus_api.tests.support.servers.dns_server import Names, python_that_asks_us
from fooocus_api.tests.support.servers.outside import FLIPS, INSIDE, NAMES, OUTSIDE, Site, World, certificate_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("names")
    python = python_that_asks_us(folder)
    if python is None:
        pytest.skip("needs Linux, root and a mount namespace: names that lie are not tried")
    with ExitStack() as stack:
        try:
            names = stack.enter_context(Names(NAMES))
        except OSError as error:
            pytest.skip(f"no DNS server here: {error}")
        outside = Site(OUTSIDE)
        inside = [Site(INSIDE, outside.server_port)]
        if socket.has_ipv6:
            inside.append(Site("::1", outside.server_port, socket.AF_INET6))
        encrypted, certificate = Site(OUTSIDE), certificate_of(folder, "outside.test")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True)
        for site in (outside, *inside, encrypted):
            stack.enter_context(site)
            threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(site.shutdown)
        flags = ("--disable-in-browser", "--demo-step-ms", "5", "--demo-load-ms", "0")
        allowed = ("--allow-private-urls", f"{OUTSIDE}/32")
        host = Host(DEMO, flags=(*flags, *allowed), python=python, env={"SSL_CERT_FILE": str(certificate)}, patience=90)
        stack.enter_context(host)
        yield World(Client(host.url), names, outside, inside, encrypted.server_port)


@pytest.fixture(autouse=True)
def _nobody_inside_is_asked(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        assert [site.seen for site in request.getfixturevalue("world").inside if site.seen] == []


# ------------------------------------------------------------------------------------------------- what is allowed


@pytest.mark.parametrize("url", ["http://127.0.0.2:PORT/a.png", "http://outside.test:PORT/a.png"])
def test_what_is_allowed_is_asked(world: World, url: str) -> None:
    assert world.message(url) == ""


@pytest.mark.parametrize("way", ["to", "301", "303", "307", "308"])
def test_a_redirect_to_what_is_allowed_is_followed(world: World, way: str) -> None:
    assert world.message(f"http://outside.test:PORT/{way}/http://other.test:PORT/a.png") == ""


def test_the_address_among_others_that_is_allowed_is_asked(world: World) -> None:
    assert world.message("http://mixed.test:PORT/a.png") == ""


def test_a_user_may_have_any_name(world: World) -> None:
    assert world.message("http://%E2%82%AC:p%3Ass@outside.test:PORT/a.png") == ""


def test_tls_is_verified_against_the_name_and_not_the_address(world: World) -> None:
    assert world.message("https://outside.test:TLS/a.png") == ""
    assert "certificate verify failed" in world.message("https://other.test:TLS/a.png")
    assert "certificate verify failed" in world.message("https://127.0.0.2:TLS/a.png")


# ------------------------------------------------------------------------------------------------- what is refused

PRIVATE = "its address is private or unknown"
LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7F.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "00000177.1",
    "%31%32%37.0.0.1",
    "localhost",
    "localhost.",
    "LocalHost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::1]",
    "[2001:0:7f00:1::]",
]
"""Spellings of this machine's address."""


@pytest.mark.parametrize("host", LOOPBACK)
def test_this_machine_is_refused_in_every_form(world: World, host: str) -> None:
    assert PRIVATE in world.message(f"http://{host}:PORT/a.png")


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_redirect_leads_to_this_machine(world: World, host: str) -> None:
    assert PRIVATE in world.message(f"http://outside.test:PORT/to/http://{host}:PORT/a.png")


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "[fd00::1]", "[fec0::1]"),
        *("169.254.169.254", "[fe80::1]", "[fe80::1%25lo]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "2852039166", "0xA9FEA9FE"),
        *("224.0.0.1", "239.255.255.250", "[ff02::1]", "255.255.255.255", "240.0.0.1", "198.18.0.1", "203.0.113.7"),
        *("[2001:db8::1]", "[100::1]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]"),
    ],
)
def test_private_networks_metadata_and_what_is_not_public_are_refused(world: World, host: str) -> None:
    assert PRIVATE in world.message(f"http://{host}/latest/meta-data")
    assert PRIVATE in world.message(f"http://outside.test:PORT/307/http://{host}/latest/meta-data")


NAMED = ["inside", "six", "mapped", "nat64", "all", "metadata"]


@pytest.mark.parametrize("name", NAMED)
def test_a_name_for_a_private_address_is_refused(world: World, name: str) -> None:
    assert PRIVATE in world.message(f"http://{name}.test:PORT/a.png")
    assert PRIVATE in world.message(f"http://outside.test:PORT/to/http://{name}.test:PORT/a.png")
    assert PRIVATE in world.message(f"http://outside.test:PORT/to/http://other.test:PORT/308///{name}.test:PORT/a.png")


@pytest.mark.parametrize(
    "url",
    [
        "http://outside.test:PORT@127.0.0.1:PORT/a.png",
        "http://127.0.0.1:PORT\\@outside.test:PORT/a.png",
        "http://127.0.0.1:PORT#@outside.test:PORT/a.png",
        "http://127.0.0.1:PORT?@outside.test:PORT/a.png",
        "http://outside.test:PORT/to/\\\\127.0.0.1:PORT/a.png",
        "http://outside.test:PORT/to///127.0.0.1:PORT/a.png",
        "http://127。0。0。1:PORT/a.png",
        "http://①②⑦.0.0.1:PORT/a.png",
        "http://outside.test\t@127.0.0.1:PORT/a.png",
        "http://outside.test:PORT/to/http://outside.test:PORT@127.0.0.1:PORT/a.png",
        "http://outside.test:PORT/to/file:///etc/passwd",
        "http://outside.test:PORT/to/ftp://127.0.0.1:PORT/a.png",
        "http://outside.test:PORT/to/gopher://127.0.0.1:PORT/_GET",
        "http://outside.test:PORT/to/http://[",
        "http://outside.test:PORT/to///[::1",
        "http:127.0.0.1:PORT/a.png",
        "http:///127.0.0.1:PORT/a.png",
        "http://127.0.0.1:PORT%00.outside.test/a.png",
        "http://unknown.test:PORT/a.png",
        *(f"{scheme}://127.0.0.1:PORT/a.png" for scheme in ("file", "ftp", "gopher", "ws", "unix", "jar:http", "dict")),
    ],
)
def test_parsers_that_disagree_open_no_way_in(world: World, url: str) -> None:
    assert world.message(url)


def test_a_name_that_rebinds_is_looked_up_once(world: World) -> None:
    """Expect a request to the first address, without a second look-up."""
    assert world.message("http://rebinding.test:PORT/a.png") == ""
    assert world.names.asked["rebinding.test", 4] == 1
    assert PRIVATE in world.message("http://rebinding.test:PORT/a.png")


def test_a_name_that_rebinds_between_two_redirects_is_checked_each_time(world: World) -> None:
    assert PRIVATE in world.message("http://redirected.test:PORT/to/http://redirected.test:PORT/a.png")


def test_a_name_that_rebinds_at_every_question_never_leads_inside(world: World) -> None:
    messages = {world.message("http://flipping.test:PORT/a.png").partition(": ")[2] for _ in range(FLIPS)}
    assert "" in messages and any(PRIVATE in message for message in messages)


IMPATIENT = """
import sys
sys.path.insert(0, ".")
from load_package import load_package
load_package()
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.outbound.pinned_connection import OutboundError, RequestLimits
for ask in (
    lambda: OutboundClient().request("http://silent.test/", limits=RequestLimits(connect_s=0.2)),
    lambda: OutboundClient().request("http://silent.test/", limits=RequestLimits(total_s=0.2)),
    lambda: OutboundClient().validate_url("http://silent.test/", RequestLimits(connect_s=0.2)),
    lambda: OutboundClient().validate_url("http://unknown.test/"),
):
    try:
        ask()
    except OutboundError as error:
        print(error)
"""


def test_nobody_waits_for_a_name_that_is_not_answered(world: World, tmp_path: Path) -> None:
    """Expect our own timeout: the resolver's is longer and has another message."""
    python = python_that_asks_us(tmp_path)
    assert python is not None
    done = subprocess.run([python, "-c", IMPATIENT], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    *given_up, unknown = done.stdout.splitlines()
    within = "does not answer within 0.2 s"
    assert given_up == [within, "takes longer than 0.2 s", within] and PRIVATE in unknown


@pytest.mark.parametrize("path", ["generate", "mask"])
def test_every_image_of_a_request_is_meant(world: World, path: str) -> None:
    url = world.url("http://inside.test:PORT/a.png")
    if path == "generate":
        response = world.client.generate(uov_input_image=url, uov_method="Vary (Subtle)", controlnet_image=[])
    else:
        response = world.client.post("/v1/tools/generate_mask", json={"image": url})
    assert response.status_code == 422 and PRIVATE in response.text
