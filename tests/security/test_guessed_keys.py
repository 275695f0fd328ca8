"""Keys that are guessed in headers: the limit of wrong keys for each address, which right keys don't meet."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import requests

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.event_streams import Reader
from fooocus_api.tests.support.host import Host, demo_host


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--apikey", "boss:s3cret", step_ms=20) as running:
        yield running


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"user:{password}".encode()).decode()}


HEADERS = {
    "X-API-KEY": lambda key: {"X-API-KEY": key},
    "Bearer": lambda key: {"Authorization": f"Bearer {key}"},
    "Basic": basic,
}
PATHS = ["/tasks", "/v1/session", "/sdapi/v1/options", "/docs", "/outputs/2026-01-01/x.png"]


def tries(host: Host, address: str, key: str, header: str = "X-API-KEY", path: str = "/tasks") -> requests.Response:
    return Client(host.url).get(path, headers={**HEADERS[header](key), "X-Forwarded-For": address})


def spend(host: Host, address: str) -> None:
    """Send wrong keys until one is refused: a try comes back every few seconds."""
    for number in range(100):
        if tries(host, address, f"spent{number}").status_code == 429:
            return
    raise AssertionError("100 wrong keys were accepted")


@pytest.mark.parametrize("header", HEADERS)
def test_guesses_in_headers_are_limited(host: Host, header: str) -> None:
    address = f"192.0.2.{[*HEADERS].index(header)}"
    paths = [path for path in PATHS if path != "/v1/session"]
    answers = [tries(host, address, f"wrong{number}", header, paths[number % 4]).status_code for number in range(10)]
    assert answers == [401] * 10
    for path in PATHS:
        spend(host, address)
        refused = tries(host, address, "s3cret", header, path)
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0, path
    spend(host, address)
    problem = tries(host, address, "s3cret", header).json()
    assert (problem["code"], problem["limit"], problem["allowed"]) == ("rate_limited", "wrong_keys_per_minute", 10)
    assert Client(host.url).get("/tasks", headers={"X-Forwarded-For": address}).status_code == 401, "no key, no guess"


def test_headers_and_sessions_have_one_limit(host: Host) -> None:
    assert [tries(host, "192.0.2.10", f"wrong{number}").status_code for number in range(10)] == [401] * 10
    spend(host, "192.0.2.10")
    headers = {"X-Forwarded-For": "192.0.2.10"}
    assert Client(host.url).post("/v1/session", json={"key": "s3cret"}, headers=headers).status_code == 429


def test_right_keys_are_not_counted(host: Host) -> None:
    assert [tries(host, "192.0.2.20", "s3cret").status_code for _ in range(30)] == [200] * 30


def test_a_random_key_is_accepted_among_the_guesses_of_others(host: Host) -> None:
    random = Client(host.url, "s3cret").post("/v1/keys", json={"name": "random"}).json()["key"]
    spend(host, "192.0.2.30")
    assert tries(host, "192.0.2.30", "s3cret").status_code == 429
    assert tries(host, "192.0.2.30", random).status_code == 200


def test_one_wrong_key_again_and_again_does_not_lock_others_out(host: Host) -> None:
    answers = [tries(host, "192.0.2.40", "misspelt") for _ in range(30)]
    assert answers[0].status_code == 401 and answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert tries(host, "192.0.2.40", "s3cret").status_code == 200


def test_guesses_do_not_end_the_open_streams_of_their_address(host: Host) -> None:
    elsewhere = Client(host.url, "s3cret")
    elsewhere.session.headers["X-Forwarded-For"] = "192.0.2.50"
    reader = Reader(Client(host.url, "s3cret"), "/v1/events")
    answers = [tries(host, "127.0.0.1", f"wrong{number}").status_code for number in range(12)]
    assert answers[-1] == 429
    elsewhere.draw(overwrite_step=60)  # takes longer than the time between two checks of a stream
    reader.until("finished")
    reader.close()
