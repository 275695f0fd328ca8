"""Sessions of browsers: signing in and out by a key, the cookie, what ends a session, and what a page of another origin gets."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import requests

from fooocus_api.tasks.storage.sessions import LIFETIME_S
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of, keys_command

OTHER_PORT = {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--apikey", "boss:s3cret", "--api-cors", "https://shop.example", step_ms=20) as running:
        yield running


def sign_in(host: Host, key: str = "s3cret", **headers: str) -> Client:
    """Return a browser that is signed in by the key."""
    client = Client(host.url)
    answer = client.post("/v1/session", json={"key": key}, headers=headers)
    assert answer.status_code == 200 and answer.json()["by"] == "session", answer.text
    return client


def test_without_anything_a_key_is_missing(host: Host) -> None:
    answer = Client(host.url).get("/v1/session")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    limits = dict.fromkeys(("requests_per_minute", "pending_tasks", "images_per_day"))
    assert answer.json() == {
        "needs": "key",
        "by": None,
        "name": None,
        "source": None,
        "scopes": [],
        "limits": limits,
        "expires_at": None,
        "webui": True,
        "cluster": False,
    }
    assert "set-cookie" not in answer.headers


def test_a_key_in_a_header_needs_no_session(host: Host) -> None:
    state = Client(host.url, "s3cret").get("/v1/session").json()
    assert (state["needs"], state["by"], state["name"], state["source"]) == (None, "key", "boss", "boss")
    assert state["scopes"] == ["generate", "read", "read-all", "control", "admin"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(host: Host) -> None:
    answer = Client(host.url).post("/v1/session", json={"key": "s3cret"})
    name, _, rest = answer.headers["set-cookie"].partition("=")
    value, *attributes = [part.strip() for part in rest.split(";")]
    assert name == f"fooocus_api_{host.port}" and len(value) == 43 and "s3cret" not in answer.text + rest
    assert {each.lower() for each in attributes} >= {"httponly", "samesite=strict", "path=/", f"max-age={LIFETIME_S}"}
    assert "secure" not in rest.lower()


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, {"X-Forwarded-Proto": "https"}]
)
def test_over_https_the_cookie_is_for_https_and_stays_so(host: Host, headers: dict[str, str]) -> None:
    client = Client(host.url)
    answer = client.post("/v1/session", json={"key": "s3cret"}, headers=headers)
    assert "; Secure" in answer.headers["set-cookie"]
    cookie = answer.headers["set-cookie"].partition(";")[0]
    again = Client(host.url).get("/v1/session", headers={"Cookie": cookie})
    assert "; Secure" in again.headers["set-cookie"] and again.json()["by"] == "session"


def test_below_a_proxys_path_the_cookie_is_for_that_path(host: Host) -> None:
    answer = Client(host.url).post("/v1/session", json={"key": "s3cret"}, headers={"X-Forwarded-Prefix": "/fooocus"})
    assert "Path=/fooocus;" in answer.headers["set-cookie"]


def test_a_session_reads_and_changes_as_its_key_does(host: Host) -> None:
    browser = sign_in(host)
    record = browser.draw()
    assert record["source"] == "boss" and browser.get("/metrics").status_code == 200
    image = browser.get(record["result"][0].partition("?")[0])
    assert image.status_code == 200 and image.headers["cross-origin-resource-policy"] == "same-origin"
    assert "private" in image.headers["cache-control"]
    assert browser.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204


def test_a_key_in_a_header_goes_before_the_cookie(host: Host) -> None:
    browser = sign_in(host)
    assert browser.get("/tasks", headers={"X-API-KEY": "wrong"}).status_code == 401
    assert browser.get("/tasks", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert browser.get("/v1/session", headers={"X-API-KEY": "s3cret"}).json()["by"] == "key"


def test_the_password_of_a_proxy_does_not_go_before_the_cookie(host: Host) -> None:
    browser = sign_in(host)
    proxys = {"Authorization": "Basic " + base64.b64encode(b"user:of the proxy").decode()}
    assert browser.get("/tasks", headers=proxys).status_code == 200
    assert browser.get("/v1/session", headers=proxys).json()["by"] == "session"
    assert Client(host.url).get("/tasks", headers=proxys).status_code == 401
    keys = {"Authorization": "Basic " + base64.b64encode(b"user:s3cret").decode()}
    assert browser.request("DELETE", "/v1/session", headers=keys).status_code == 204
    assert Client(host.url).get("/tasks", headers=keys).status_code == 200


def test_a_wrong_key_opens_nothing_and_asks_for_no_password(host: Host) -> None:
    answer = Client(host.url).post("/v1/session", json={"key": "wr0ng"}, headers={"Accept": "text/html"})
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert "set-cookie" not in answer.headers and "wr0ng" not in answer.text


@pytest.mark.parametrize("body", [{}, {"key": ""}, {"key": 1}, {"key": "x" * 1001}, {"key": "s3cret", "name": "boss"}])
def test_a_malformed_body_is_refused(host: Host, body: dict[str, object]) -> None:
    answer = Client(host.url).post("/v1/session", json=body)
    assert answer.status_code == 422 and "s3cret" not in answer.text


def test_a_large_body_is_not_read(host: Host) -> None:
    answer = Client(host.url).post("/v1/session", json={"key": "x" * 5000})
    assert answer.status_code == 413 and "4 KiB" in answer.json()["detail"]


def test_too_many_wrong_keys_of_an_address_are_refused(host: Host) -> None:
    def tries(address: str, key: str) -> requests.Response:
        return Client(host.url).post("/v1/session", json={"key": key}, headers={"X-Forwarded-For": address})

    assert [tries("192.0.2.1", f"wrong{number}").status_code for number in range(10)] == [401] * 10
    refused = tries("192.0.2.1", "s3cret")
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert refused.json()["limit"] == "wrong_keys_per_minute" and refused.json()["allowed"] == 10
    assert [tries("192.0.2.2", "s3cret").status_code for _ in range(12)] == [200] * 12
    assert tries("::ffff:192.0.2.1", "s3cret").status_code == 429
    assert tries("::ffff:192.0.2.2", "s3cret").status_code == 200
    random = Client(host.url, "s3cret").post("/v1/keys", json={"name": "random"}).json()["key"]
    assert tries("192.0.2.1", random).status_code == 200, (
        "a key that can't be guessed is not refused for others' guesses"
    )
    assert tries("192.0.2.1", random[::-1]).status_code == 429


def test_signing_out_ends_the_session_and_its_streams_alone(host: Host) -> None:
    browser, other = sign_in(host), sign_in(host)
    stolen = dict(browser.session.cookies)
    with browser.get("/v1/events", stream=True) as stream:
        answer = browser.request("DELETE", "/v1/session")
        assert answer.status_code == 204 and "Max-Age=0" in answer.headers["set-cookie"]
        for _ in stream.iter_content(1):  # ends
            pass
    assert Client(host.url).get("/tasks", cookies=stolen).status_code == 401
    state = Client(host.url).get("/v1/session", cookies=stolen)
    assert state.json()["needs"] == "key" and "Max-Age=0" in state.headers["set-cookie"]
    assert other.get("/tasks").status_code == 200
    assert Client(host.url).request("DELETE", "/v1/session").status_code == 204


def test_signing_in_again_ends_the_session_before(host: Host) -> None:
    browser = sign_in(host)
    before = dict(browser.session.cookies)
    assert browser.post("/v1/session", json={"key": "s3cret"}).status_code == 200
    assert Client(host.url).get("/tasks", cookies=before).status_code == 401
    assert browser.get("/tasks").status_code == 200


def test_revoking_the_key_ends_its_sessions_and_their_streams(host: Host) -> None:
    key = add_key(host, "guest", "--scopes", "read")
    browser = sign_in(host, key_of(key))
    assert browser.get("/v1/session").json()["scopes"] == ["read"]
    with browser.get("/v1/events", stream=True) as stream:
        assert keys_command(host.outputs, "revoke", "guest").returncode == 0
        for _ in stream.iter_content(1):  # ends
            pass
    assert browser.get("/tasks").status_code == 401
    add_key(host, "guest")
    assert browser.get("/tasks").status_code == 401, "a new key of the same name is another"
    assert browser.get("/v1/session").json()["needs"] == "key"


@pytest.mark.parametrize("headers", [OTHER_PORT, {"Origin": "https://shop.example"}, {"Origin": "null"}])
def test_a_page_of_another_origin_never_uses_the_cookie(host: Host, headers: dict[str, str]) -> None:
    browser = sign_in(host)
    assert browser.get("/tasks", headers=headers).status_code == 401
    assert browser.get("/v1/session", headers=headers).json()["needs"] == "key"
    embedded = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
    assert browser.get("/tasks", headers=embedded).status_code == 401
    for method in ("POST", "DELETE"):
        refused = browser.request(method, "/v1/session", json={"key": "s3cret"}, headers=headers)
        assert refused.status_code == 403 and refused.json()["code"] == "cross_origin_rejected"
        assert "--api-cors" not in refused.json()["detail"]
    assert browser.post("/v1/keys", json={"name": "x"}, headers=headers).status_code == 403
    assert browser.get("/tasks").status_code == 200


def test_it_outlasts_a_restart(host: Host) -> None:
    cookie = next(iter(sign_in(host).session.cookies.values()))
    host.kill()
    host.start()
    headers = {"Cookie": f"other=1; fooocus_api_{host.port}={cookie}"}
    assert Client(host.url).get("/tasks", headers=headers).status_code == 200


def test_where_no_key_is_needed_there_is_no_session(demo: Host) -> None:
    for answer in (Client(demo.url).get("/v1/session"), Client(demo.url).post("/v1/session", json={"key": "any"})):
        assert answer.status_code == 200 and "set-cookie" not in answer.headers
        state = answer.json()
        assert (state["needs"], state["by"], state["source"], len(state["scopes"])) == (None, None, "api", 5)
