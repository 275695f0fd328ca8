"""Unknown parameters and fields: refused in a request that deletes or stops, reported in the response of every other one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from fooocus_api.api.requests.json_body import JsonRoute
from fooocus_api.api.requests.parameter_names import NamingRoute
from fooocus_api.api.validation.nearest_names import nearest
from fooocus_api.tests.support.api_calls.routes import all_routes, filled
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key

DRAWS = {
    "POST /v1/engine/generate/",
    "POST /v1/batches",
    "POST /tasks/{task_id}/repeat",
    "POST /inputs",
    "POST /v1/tools/describe-image",
    "POST /v1/tools/expand-prompt",
    "POST /v1/tools/read-metadata",
    "POST /v1/tools/generate_mask",
}
"""Requests that change no existing data."""
WITH_BODIES = {
    "/tasks/bulk",
    "/tasks/{task_id}/move",
    "/tasks/{task_id}/tags",
    "/v1/archive",
    "/v1/engine/control",
    "/v1/engine/control/",
    "/v1/engine/model-files",
    "/v1/engine/model-files/downloads/{download_id}/resume",
    "/v1/engines/presets/{name}",
    "/v1/keys",
    "/v1/session",
    "/v1/tokens",
}
"""Paths whose other requests have a body of their own, which `test_whatever_acts…` and the tests of each cover."""
STRICT = {"POST /tasks/{task_id}/repeat"}
"""Those of them that refuse unknown parameters."""
NO_TASK = "0" * 32


@pytest.fixture(scope="module")
def slow() -> Iterator[Client]:
    """Yield a client of a demo host with slow steps."""
    with demo_host(step_ms=40) as host:
        yield Client(host.url)


@pytest.fixture(scope="module")
def locked() -> Iterator[Host]:
    """Yield a demo host with slow steps, for tests that make keys."""
    with demo_host(step_ms=40) as host:
        yield host


def operations(client: Client) -> list[str]:
    paths = client.get("/v1/openapi.json").json()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def request(client: Client, operation: str, **arguments: Any) -> Any:
    method, path = operation.split()
    return client.request(method, filled(path), stream=True, **arguments)


def test_every_route_checks_names() -> None:
    found = all_routes()
    assert len(found) > 25 and all(isinstance(route, NamingRoute) for route in found)
    acting = {route.path_format for route in found if route.acts}
    assert all(isinstance(route, JsonRoute) for route in found if route.acts or route.path_format == "/tasks")
    assert acting >= {"/tasks/{task_id}", "/tasks/{task_id}/stop", "/v1/engine/control", "/v1/engine/unload"}
    assert not any(route.acts for route in found if {"GET", "HEAD"} & route.methods)


def test_whatever_acts_refuses_a_name_it_does_not_know_and_all_else_names_it(client: Client) -> None:
    for operation in operations(client):
        with request(client, operation, params={"statsu": "failed", "_": "1"}) as response:
            if operation.startswith("GET ") or operation in DRAWS - STRICT:
                assert "statsu" in response.headers["X-Ignored-Fields"].split(", "), operation
            else:
                assert response.status_code == 422, operation
                assert response.headers["content-type"] == "application/problem+json"
                assert [error["field"] for error in response.json()["errors"]] == ["statsu"], operation


def test_what_links_tokens_and_caches_add_is_no_name(client: Client) -> None:
    passing = {"_": "1", "_t": "2", "expires": "1", "signature": "2", "token": "3"}
    for operation in operations(client):
        with request(client, operation, params=passing) as response:
            assert "X-Ignored-Fields" not in response.headers, operation
            body = response.json() if response.status_code == 422 else {}
            assert not {error["field"] for error in body.get("errors", [])} & set(passing), operation


@pytest.mark.parametrize("kind", ["json", "data"])
def test_a_body_where_there_is_none_to_be_is_looked_at_too(client: Client, kind: str) -> None:
    for operation in operations(client):
        if operation.startswith("GET ") or operation in DRAWS or operation.split()[1] in WITH_BODIES:
            continue
        with request(client, operation, **{kind: {"dry_run": "true"}}) as response:
            assert response.status_code == 422 and response.json()["errors"][0]["field"] == "dry_run", operation
        with request(client, operation, json={}) as response:
            assert response.status_code in (200, 404), operation


def test_deleting_is_refused_for_a_filter_it_does_not_know(slow: Client) -> None:
    yesterday = (datetime.now() - timedelta(days=1)).isoformat()
    delete = {"action": "delete", "start_at": yesterday}
    assert slow.get("/tasks", params=delete).status_code == 200  # those of other tests
    first, second = slow.draw()["task_id"], slow.draw()["task_id"]
    for wrong, use in (("task_status", "status"), ("stats", "status"), ("end", "end_at"), ("prompts", "prompt")):
        response = slow.get("/tasks", params={**delete, wrong: "failed"})
        assert response.status_code == 422, wrong
        (error,) = response.json()["errors"]
        assert error["field"] == wrong and error["allowed"][0] == use and use in error["message"]
    for query in (
        {"task_id": first},
        {"page": 1},
        {"page_size": 1},
        {"query": "pending"},
        {"query": "current"},
        {"action": ["delete", "list"]},
        {"start_at": [yesterday, "2020-01-01"]},
    ):
        response = slow.get("/tasks", params={**delete, **query})
        assert response.status_code == 422 and response.json()["errors"][0]["field"] in query, query
    for body in ({"json": {"status": "failed"}}, {"data": {"status": "failed"}}):
        assert slow.get("/tasks", params=delete, **body).status_code == 422
    bare = slow.get("/tasks", params=delete, data=b'{"status": "failed"}')
    broken = slow.get("/tasks", params=delete, data=b"{", headers={"Content-Type": "application/json"})
    assert bare.status_code == broken.status_code == 422
    assert {slow.task(task_id)["task_status"] for task_id in (first, second)} == {"finished"}
    several = {**delete, "status": ["finished", "failed"], "query": "history", "page": 0, "page_size": 10}
    assert slow.get("/tasks", params=several).json()["deleted"] == 2


def test_a_list_is_given_and_what_it_does_not_know_is_named(client: Client) -> None:
    record = client.draw()
    response = client.get("/tasks", params={"task_status": "failed", "limit": 3, " ~\x01é": "x", "": "y", "_": 1})
    assert record["task_id"] in {one["task_id"] for one in response.json()["history"]}
    assert response.headers["X-Ignored-Fields"] == "task_status, limit, ?~??, ?"


def test_many_names_make_no_long_header(client: Client) -> None:
    many = "&".join(f"{'x' * 100}{number}=1" for number in range(300))
    names = client.get(f"/v1/info?{many}").headers["X-Ignored-Fields"].split(", ")
    assert len(names) == 50 and max(map(len, names)) <= 60


def test_what_a_key_may_not_do_is_403_whatever_its_names_are(locked: Host) -> None:
    reader = add_key(locked, "reader", "--scopes", "read")
    response = reader.post(f"/tasks/{NO_TASK}/stop", params={"statsu": "x"})
    assert response.status_code == 403


# ------------------------------------------------------------------ control and its task


@pytest.mark.parametrize("how", ["query", "body", "mixed"])
def test_control_means_the_task_it_names(slow: Client, how: str) -> None:
    def control(action: str, task_id: str) -> Any:
        query = {"query": {"action": action, "task_id": task_id}, "body": {}, "mixed": {"action": action}}[how]
        body = {"query": None, "body": {"action": action, "task_id": task_id}, "mixed": {"task_id": task_id}}[how]
        return slow.post("/v1/engine/control", params=query, json=body)

    running, waiting = (slow.submit(overwrite_step=60)["task_id"] for _ in range(2))
    slow.until(running, "running")
    assert control("skip", waiting).status_code == 409
    answer = control("stop", waiting)
    assert answer.json() == {"message": "The task was removed from the queue.", "task_id": waiting}
    assert slow.ended(waiting)["task_status"] == "stopped"
    assert slow.task(running)["task_status"] == "running"
    assert control("stop", waiting).status_code == 409
    assert control("stop", NO_TASK).status_code == control("skip", NO_TASK).status_code == 404
    assert control("stop", running).json()["task_id"] == running
    assert slow.ended(running)["task_status"] == "stopped"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"params": {"action": "stop", "taskid": "x"}}, "taskid"),
        ({"params": {"action": "stop", "id": "x"}}, "id"),
        ({"params": {"action": "stop"}, "json": {"taskId": "x"}}, "taskId"),
        ({"json": {"action": "stop", "task": "x"}}, "task"),
        ({"params": {"action": "stop", "task_id": ""}}, "task_id"),
        ({"json": {"action": "stop", "task_id": " "}}, "task_id"),
        ({"params": {"action": ["skip", "stop"]}}, "action"),
        ({"params": {"action": "stop"}, "json": {"action": "skip"}}, "action"),
        ({"params": {"action": "stop", "task_id": "a"}, "json": {"task_id": "b"}}, "task_id"),
    ],
)
def test_control_stops_nothing_when_it_is_not_clear_what(slow: Client, arguments: Any, field: str) -> None:
    running = slow.submit(overwrite_step=60)["task_id"]
    slow.until(running, "running")
    response = slow.post("/v1/engine/control", **arguments)
    assert response.status_code == 422, response.text
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert slow.task(running)["task_status"] == "running"
    assert slow.control("stop").json()["task_id"] == running
    slow.ended(running)


def test_control_takes_members_that_pass(slow: Client) -> None:
    for body in ({"action": "stop", "task_id": None}, {"action": "stop", "_": 1}):
        assert slow.post("/v1/engine/control", json=body).json()["message"] == "No task is running."


def test_control_of_anothers_task_is_404(locked: Host) -> None:
    ann, bob = add_key(locked, "ann"), add_key(locked, "bob")
    task_id = bob.submit(overwrite_step=100)["task_id"]
    bob.until(task_id, "running")
    there, none = (
        ann.post("/v1/engine/control", params={"action": "stop", "task_id": name}) for name in (task_id, NO_TASK)
    )
    assert there.status_code == none.status_code == 404
    assert there.json()["detail"].replace(task_id, "") == none.json()["detail"].replace(NO_TASK, "")
    assert bob.task(task_id)["task_status"] == "running"


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("task_status", ["status", "start_at", "sort"], "status"),
        ("cn_image", ["cn_img", "cn_stop", "cn_type"], "cn_img"),
        ("promt", ["prompt", "preset"], "prompt"),
        ("Image-Number", ["image_number", "image_seed"], "image_number"),
        ("zzz", ["prompt"], None),
        ("", ["prompt"], None),
    ],
)
def test_the_nearest_name(name: str, known: list[str], expected: str | None) -> None:
    assert nearest(name, known)[:1] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    "query", ["source=", "model=", "prompt=", "prompt=%20", "prompt=%00", "end_at=", "source=&source=", "status="]
)
def test_an_empty_filter_does_not_widen_a_deletion(slow: Client, query: str) -> None:
    task_id = slow.draw()["task_id"]
    refused = slow.get(f"/tasks?action=delete&start_at=2026-01-01&{query}")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith(query.partition("=")[0])
    assert slow.get(f"/tasks/{task_id}").status_code == 200
    assert slow.get(f"/tasks?{query.partition('&')[0]}").status_code in (200, 422)
