"""API keys over HTTP: the same keys as those of the command, given and revoked by those who have their rights."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.auth.keys import Scope
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, keys_command

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--apikey", "boss:s3cret") as running:
        yield running


@pytest.fixture
def boss(host: Host) -> Client:
    return Client(host.url, "s3cret")


def entry(client: Client, name: str) -> dict[str, Any] | None:
    found = [each for each in client.get("/v1/keys").json()["keys"] if each["name"] == name]
    return found[0] if found else None


def test_a_key_is_shown_once_and_works_at_once(host: Host, boss: Client) -> None:
    limits = {"images_per_day": 5}
    answer = boss.post("/v1/keys", json={"name": "shop", "scopes": ["read", "generate"], "limits": limits})
    made = answer.json()
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    assert made["key"].startswith("fooocus_") and made["first"] is False
    assert Client(host.url, made["key"]).draw()["source"] == "shop"
    listed = entry(boss, "shop")
    assert listed == {name: value for name, value in made.items() if name not in ("key", "first")}
    assert listed["scopes"] == ["generate", "read"] and listed["limits"]["images_per_day"] == 5
    assert listed["limits"]["pending_tasks"] is None and listed["revocable"] and listed["origin"] == "file"
    assert made["key"] not in boss.get("/v1/keys").text
    assert "shop" in keys_command(host.outputs, "list").stdout


def test_the_commands_keys_are_listed_and_revoked(host: Host, boss: Client) -> None:
    guest = add_key(host, "guest", "--scopes", "read")
    browser = Client(host.url)
    assert browser.post("/v1/session", json={"key": guest.session.headers["X-API-KEY"]}).status_code == 200
    listed = entry(boss, "guest")
    assert listed is not None and listed["sessions"] == 1
    assert boss.request("DELETE", "/v1/keys/guest").json() == {"name": "guest", "sessions_ended": 1}
    assert guest.get("/tasks").status_code == browser.get("/tasks").status_code == 401
    again = boss.request("DELETE", "/v1/keys/guest")
    assert again.status_code == 404 and again.json()["code"] == "key_not_found"
    assert "guest" not in keys_command(host.outputs, "list").stdout


def test_a_key_of_the_command_line_stays(boss: Client) -> None:
    listed = entry(boss, "boss")
    assert listed is not None and listed["origin"] == "command_line" and not listed["revocable"]
    refused = boss.request("DELETE", "/v1/keys/boss")
    assert refused.status_code == 409 and refused.json()["code"] == "key_fixed"
    taken = boss.post("/v1/keys", json={"name": "boss"})
    assert taken.status_code == 409 and taken.json()["code"] == "key_exists"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "webui"}, "name"),
        ({"name": "x", "scopes": ["everything"]}, "scopes[0]"),
        ({"name": "x", "limits": {"images_per_day": 0}}, "limits.images_per_day"),
        ({"name": "x", "limits": {"images_per_hour": 1}}, "limits.images_per_hour"),
        ({"name": "x", "scope": ["read"]}, "scope"),
    ],
)
def test_a_wrong_field_is_named(boss: Client, body: dict[str, Any], field: str) -> None:
    answer = boss.post("/v1/keys", json=body)
    assert answer.status_code == 422 and field in [error["field"] for error in answer.json()["errors"]]


def test_a_key_gives_and_takes_no_more_than_it_has(host: Host, boss: Client) -> None:
    metrics = add_key(host, "metrics", "--scopes", "admin,read", "--images-per-day", "9")
    add_key(host, "strong", "--scopes", "read,read-all")
    refused = metrics.post("/v1/keys", json={"name": "mine"})
    assert refused.status_code == 403 and refused.json()["scope"] == "generate"
    beyond = metrics.post("/v1/keys", json={"name": "mine", "scopes": ["read"], "limits": {"images_per_day": 10}})
    assert beyond.status_code == 422 and beyond.json()["errors"][0]["field"] == "limits.images_per_day"
    assert metrics.request("DELETE", "/v1/keys/strong").json()["scope"] == "read-all"
    listed = entry(metrics, "strong")
    assert listed is not None and not listed["revocable"] and entry(boss, "strong") is not None
    within = metrics.post("/v1/keys", json={"name": "mine", "scopes": ["read"], "limits": {"images_per_day": 9}})
    assert within.status_code == 201 and metrics.request("DELETE", "/v1/keys/mine").status_code == 200


def test_a_name_with_tasks_is_given_by_those_who_may_see_them(host: Host, boss: Client) -> None:
    customer, manager = add_key(host, "customer"), add_key(host, "manager", "--scopes", "generate,read,control,admin")
    record = customer.draw(prompt="a secret")
    assert manager.request("DELETE", "/v1/keys/customer").status_code == 200
    refused = manager.post("/v1/keys", json={"name": "customer"})
    assert refused.status_code == 403 and refused.json()["scope"] == "read-all"
    made = boss.post("/v1/keys", json={"name": "customer"}).json()
    assert Client(host.url, made["key"]).task(record["task_id"])["req_params"]["prompt"] == "a secret"


def test_changes_of_the_command_and_of_requests_lose_nothing(host: Host, boss: Client) -> None:
    def by_request(number: int) -> None:
        assert Client(host.url, "s3cret").post("/v1/keys", json={"name": f"request-{number}"}).status_code == 201

    threads = [threading.Thread(target=by_request, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    add_key(host, "command-1")
    for thread in threads:
        thread.join()
    names = {each["name"] for each in boss.get("/v1/keys").json()["keys"]}
    assert names >= {"command-1", *(f"request-{number}" for number in range(8))}


def test_a_broken_file_is_said_and_not_overwritten(host: Host, boss: Client) -> None:
    file = host.outputs / ".fooocus_api" / "keys.json"
    content = file.read_text() if file.exists() else json.dumps({"version": 1, "keys": []})
    file.write_text("{")
    for answer in (boss.get("/v1/keys"), boss.post("/v1/keys", json={"name": "later"})):
        assert answer.status_code == 503 and answer.json()["code"] == "keys_unavailable"
        assert answer.json()["detail"].startswith("list of API keys") and answer.headers["Retry-After"] == "60"
    assert file.read_text() == "{"
    file.write_text(content)


def test_the_first_key_is_needed_from_then_on(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory().url)
    assert client.get("/v1/keys").json() == {"needed": False, "keys": []}
    locked = client.post("/v1/keys", json={"name": "first"})
    assert locked.status_code == 422 and locked.json()["errors"][0]["field"] == "scopes"
    made = client.post("/v1/keys", json={"name": "first", "scopes": [scope.value for scope in Scope]}).json()
    assert made["first"] and client.get("/tasks").status_code == 401
    state = client.post("/v1/session", json={"key": made["key"]}).json()
    assert state["name"] == "first" and client.get("/tasks").status_code == 200
    last = client.request("DELETE", "/v1/keys/first")
    assert last.status_code == 409 and last.json()["code"] == "last_admin_key"
