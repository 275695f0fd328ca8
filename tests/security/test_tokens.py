"""Tokens that let a page in a browser read for a limited time, with the rights of a key."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.support.api_calls.tokens import BOSS, asked, token_of
from fooocus_api.tests.support.browsers.pages import Site
from fooocus_api.tests.support.client import QUICK, Client, Record, wait_for
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

NO_TASK = "0" * 32


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(FOLLOWING) as site:
        yield site


@pytest.fixture(scope="module")
def locked(site: Site) -> Iterator[Host]:
    with demo_host("--apikey", f"boss:{BOSS}", "--api-cors", site.origin, step_ms=20) as host:
        yield host


@pytest.fixture(scope="module")
def boss(locked: Host) -> Client:
    return Client(locked.url, BOSS)


@pytest.fixture(scope="module")
def drawn(boss: Client) -> Record:
    return boss.draw()


# ------------------------------------------------------------------- what it opens


def test_what_is_answered(boss: Client) -> None:
    before = int(time.time())
    made = boss.post("/v1/tokens", json={"lifetime": 60}).json()
    assert made.keys() == {"token", "scope", "task_id", "expires_in", "expires_at"}
    assert (made["scope"], made["task_id"], made["expires_in"]) == ("read", None, 60)
    assert before + 60 <= made["expires_at"] <= int(time.time()) + 60
    assert boss.post("/v1/tokens").json()["expires_in"] == 3600
    assert BOSS not in made["token"]


@pytest.mark.parametrize("path", ["/tasks", "/tasks/{id}", "/tasks/{id}/events", "/tasks/{id}/webhooks", "/v1/events"])
def test_it_reads_what_its_key_may(locked: Host, boss: Client, drawn: Record, path: str) -> None:
    path = path.format(id=drawn["task_id"])
    response = asked(locked, path, token_of(boss))
    assert response.status_code == 200
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "x-ignored-fields" not in response.headers


def test_one_for_a_task_opens_no_other(locked: Host, boss: Client, drawn: Record) -> None:
    other, task_id = boss.draw()["task_id"], drawn["task_id"]
    token = token_of(boss, task_id=task_id)
    for below in ("", "/", "/events", "/webhooks"):
        assert asked(locked, f"/tasks/{task_id}{below}", token).status_code == 200
        for unknown in (other, NO_TASK, "x"):
            response = asked(locked, f"/tasks/{unknown}{below}", token)
            assert response.status_code == 404 and unknown in response.json()["detail"]
    for path in (
        "/tasks",
        "/v1/events",
        "/v1/info",
        "/v1/engines/styles",
        "/docs",
        drawn["result"][0].partition("?")[0],
    ):
        assert asked(locked, path, token).status_code == 403
    with_hyphens = f"{task_id[:8]}-{task_id[8:12]}-{task_id[12:16]}-{task_id[16:20]}-{task_id[20:]}"
    assert asked(locked, f"/tasks/{with_hyphens}", token).status_code == 200
    assert token_of(boss, task_id=with_hyphens)


def test_none_for_a_task_that_the_key_does_not_see(locked: Host, boss: Client, drawn: Record) -> None:
    shop = add_key(locked, "stranger")
    for task_id in (drawn["task_id"], NO_TASK, "", "x"):
        assert shop.post("/v1/tokens", json={"task_id": task_id}).status_code == 404
    theirs = shop.draw()["task_id"]
    assert boss.post("/v1/tokens", json={"task_id": theirs}).status_code == 404
    token = token_of(boss, task_id=theirs, scope="read-all")
    assert asked(locked, f"/tasks/{theirs}", token).status_code == 200


def test_it_sees_no_more_than_its_scope(locked: Host, boss: Client, drawn: Record) -> None:
    shop = add_key(locked, "shop")
    own = shop.draw()["task_id"]
    seen = [task["task_id"] for task in asked(locked, "/tasks", token_of(shop)).json()["history"]]
    assert seen == [own]
    assert own not in asked(locked, "/tasks", token_of(boss)).text
    assert own in asked(locked, "/tasks", token_of(boss, scope="read-all")).text
    refused = shop.post("/v1/tokens", json={"scope": "read-all"})
    assert refused.status_code == 403 and refused.json()["scope"] == "read-all"
    assert asked(locked, "/metrics", token_of(boss, scope="read-all")).status_code == 403
    no_reader = add_key(locked, "no-reader", "--scopes", "generate,control")
    assert no_reader.post("/v1/tokens").status_code == 403


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_it_changes_nothing_and_makes_no_further_one(locked: Host, boss: Client, drawn: Record, method: str) -> None:
    token = token_of(boss, scope="read-all")
    for path in ("/v1/tokens", f"/tasks/{drawn['task_id']}", "/v1/engine/generate", "/v1/engine/control", "/inputs"):
        assert asked(locked, path, token, method, json=QUICK).status_code == 403
    assert asked(locked, "/tasks?action=delete&end_at=2999-01-01", token).status_code == 403
    assert boss.task(drawn["task_id"]) and asked(locked, f"/tasks/{drawn['task_id']}", token, "HEAD").status_code in (
        200,
        405,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"lifetime": 0},
        {"lifetime": 3601},
        {"lifetime": -1},
        {"scope": "admin"},
        {"scope": "generate"},
        {"task_id": "x" * 101},
    ],
)
def test_what_none_is_made_for(boss: Client, body: dict[str, Any]) -> None:
    response = boss.post("/v1/tokens", json=body)
    assert response.status_code == 422 and response.json()["errors"][0]["field"] == next(iter(body))


# ------------------------------------------------------------------- when it ends


def test_a_token_that_is_none(locked: Host, boss: Client) -> None:
    token = token_of(boss)
    payload, _, signature = token.partition(".")
    for wrong in (
        "",
        "x",
        ".",
        f"{payload}.",
        f".{signature}",
        token[:-2],
        f"{token}A",
        f"{payload}A.{signature}",
        "é" * 9,
        "a" * 5000,
    ):
        response = asked(locked, "/v1/info", wrong)
        assert response.status_code == 401 and response.headers["content-type"] == "application/problem+json"
        assert token not in response.text
    assert Client(locked.url).get(f"/v1/info?token={token}&token={token}x").status_code == 401
    assert Client(locked.url, "wrong").get(f"/v1/info?token={token}").status_code == 401
    assert boss.get("/v1/info?token=wrong").status_code == 200, "a key counts before a token"


def test_it_ends_and_its_streams_end_with_it(locked: Host, boss: Client) -> None:
    token = token_of(boss, lifetime=2)
    with reading(Client(locked.url), "/v1/events", token=token) as reader:
        assert reader.ended.wait(30), "the stream is open"
    response = asked(locked, "/v1/info", token)
    assert response.status_code == 401 and "has expired" in response.json()["detail"]


def test_it_counts_to_its_keys_limit(locked: Host) -> None:
    slow = add_key(locked, "slow", "--requests-per-minute", "3")
    token = token_of(slow)
    statuses = [asked(locked, "/v1/info", token).status_code for _ in range(4)]
    assert statuses.count(200) == 2 and statuses[-1] == 429 and slow.get("/v1/info").status_code == 429


# ------------------------------------------------------------------ where it is not seen


def test_it_is_in_no_log(locked: Host, boss: Client) -> None:
    token = token_of(boss)
    for path in ("/v1/info", "/tasks/x", "/tasks?page=x", "/nothing", "/v1/info/", "/tasks?action=x"):
        response = asked(locked, path, token)
        assert token not in response.text and token not in str(response.headers)
    asked(locked, "/v1/info", token, headers={"Host": f"evil.example?token={token}"})
    asked(locked, "/v1/info", token, headers={"Host": "evil.example"})
    asked(locked, "/v1/engine/control", token, "POST", headers={"Origin": "https://evil.example"})
    wait_for(lambda: "host rejected" in locked.log(), "the refusal to be logged")
    assert token not in locked.log() and token.partition(".")[2] not in locked.log()


# ---------------------------------------------------------------------- in a browser

FOLLOWING = """<!doctype html>
<meta charset="utf-8">
<title>Follow</title>
<script>
function follow(url) {
  window.seen = [];
  const source = new EventSource(url);
  for (const kind of ["queued", "started", "progress", "image", "finished"]) {
    source.addEventListener(kind, event => seen.push([kind, JSON.parse(event.data)]));
  }
  source.onopen = () => { window.open_now = true; };
  source.onerror = () => { window.failed = source.readyState; };
}
</script>
"""


def test_event_source_follows_a_task_from_another_origin(
    locked: Host, boss: Client, site: Site, browser: Browser
) -> None:
    task_id = boss.submit(overwrite_step=40)["task_id"]
    token = token_of(boss, task_id=task_id, lifetime=120)
    browser.driver.get(site.origin)
    browser.driver.execute_script("follow(arguments[0])", f"{locked.url}/tasks/{task_id}/events?token={token}")

    def last() -> Any:
        return browser.driver.execute_script("return (window.seen || []).slice(-1)[0]")

    wait_for(lambda: (found := last()) and found[0] == "finished", "the page to receive the end")
    _, data = last()
    assert data["task_id"] == task_id and len(data["result"]) == 1
    loaded = "const done = arguments[1]; const i = new Image(); i.onload = () => done(i.naturalWidth); i.onerror = () => done(0);"
    assert browser.driver.execute_async_script(f"{loaded} i.src = arguments[0];", data["result"][0]) == 256


def test_event_source_is_refused_with_a_token_for_another_task(
    locked: Host, boss: Client, drawn: Record, site: Site, browser: Browser
) -> None:
    token = token_of(boss, task_id=drawn["task_id"])
    browser.driver.get(site.origin)
    browser.driver.execute_script("follow(arguments[0])", f"{locked.url}/v1/events?token={token}")
    wait_for(lambda: browser.driver.execute_script("return window.failed") == 2, "the stream to be refused")
    assert json.dumps(browser.driver.execute_script("return window.seen")) == "[]"
