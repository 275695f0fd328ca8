"""The stream of a generate request: one message per read, as clients expect."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from fooocus_api.api.routes.generation.progress_stream import SPACING_S
from fooocus_api.tests.support.browsers.pages import COLLECTING, Site, drawn, throttle
from fooocus_api.tests.support.client import QUICK, Client
from fooocus_api.tests.support.host import Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

TASKS = (8, pytest.param(200, marks=pytest.mark.nightly))
PATH = "/v1/engine/generate/"
SLOWER = 6
"""Factor by which a page's CPU is throttled, to resemble a phone."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(COLLECTING) as site:
        yield site


@pytest.fixture(scope="module")
def host(site: Site) -> Iterator[Host]:
    """Yield a host without delays: it reports all changes of a task within milliseconds."""
    with demo_host("--api-cors", site.origin, step_ms=0) as host:
        yield host


def reads_of(host: Host, body: dict[str, Any]) -> list[bytes]:
    """Return the result of each read of a response, on a socket of its own."""
    parts, content = urlsplit(host.url), json.dumps({**QUICK, **body, "stream_output": True}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    reads = []
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        while read := connection.recv(2**20):
            reads.append(read)
    return reads


def messages_in(reads: list[bytes]) -> list[dict[str, Any]]:
    lines = b"".join(reads).splitlines()
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]


@pytest.mark.parametrize("tasks", TASKS)
def test_no_read_has_two_messages(tasks: int, host: Host) -> None:
    for number in range(tasks):
        reads = reads_of(host, {"overwrite_step": number % 12 + 1, "image_number": number % 3 + 1})
        assert max(read.count(b"data: {") for read in reads) == 1, [read[:300] for read in reads]
        seen = messages_in(reads)
        assert seen[0]["images"] == [] and len(seen) >= 2
        assert seen[-1]["message"] == "Finished" and len(seen[-1]["images"]) == number % 3 + 1
        assert [message["images"] for message in seen[:-1]] == [[]] * (len(seen) - 1)


def test_of_waiting_progress_the_newest_is_sent(host: Host) -> None:
    seen = messages_in(reads_of(host, {"overwrite_step": 100, "image_number": 2}))
    assert len(seen) < 100
    progress = [message["progress"] for message in seen]
    assert progress == sorted(progress) and progress[-1] == 100


def test_steps_that_are_further_apart_are_all_sent() -> None:
    with demo_host(step_ms=70) as host:
        said = [event.data["message"] for event in Client(host.url).stream(overwrite_step=6)]
        for step in range(1, 7):
            assert any(f"Sampling step {step}/6" in message for message in said), said


def test_events_are_as_quick_as_they_were() -> None:
    """Receive the steps of a hundred that are closer together than the messages of a generate request, which are spaced."""
    kinds = []
    with demo_host("--nowebui", step_ms=15) as host:
        client = Client(host.url)
        with client.get("/v1/events?previews=false", stream=True, timeout=60) as response:
            lines = response.iter_lines(chunk_size=None)
            next(lines)
            client.draw(overwrite_step=100)
            for line in lines:
                if line.startswith(b"event: "):
                    kinds.append(line.removeprefix(b"event: ").decode())
                if kinds and kinds[-1] == "finished":
                    break
    assert kinds.count("progress") > 50


@pytest.mark.parametrize(
    ("times", "rate"), [(6, 1), *(pytest.param(*case, marks=pytest.mark.nightly) for case in ((40, 1), (10, SLOWER)))]
)
def test_a_page_that_parses_what_a_read_gives_draws_every_time(
    times: int, rate: int, host: Host, site: Site, browser: Browser
) -> None:
    browser.driver.get(site.origin)
    throttle(browser.driver, rate)
    try:
        complete = 0
        for _ in range(3):
            found = drawn(browser.driver, times, host.url + PATH, {**QUICK, "prompt": "a cat", "overwrite_step": 30})
            broken = [one for one in found if (one["message"], one["images"]) != ("Finished", 1)]
            # A browser that stalls for longer than the least spacing may read two messages at once, however they were sent.
            assert not [one for one in broken if one["stall_ms"] < SPACING_S * 1000]
            complete += len(found) - len(broken)
            if complete >= times:
                return
    finally:
        throttle(browser.driver, 1)
    pytest.skip(f"this machine is too busy: its browser stalled in {3 * times - complete} of {3 * times} tasks")
