"""Scopes of each route, and the separation of keys: one sees and controls only its own tasks, events and images."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.api_calls.routes import all_routes, filled
from fooocus_api.tests.support.api_calls.scopes_of_routes import BESIDE, NO_TASK, OPEN, READERS, ROUTES, SCOPES
from fooocus_api.tests.support.client import QUICK, Client, events
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=20) as running:
        yield running


@pytest.fixture(scope="module")
def clients(host: Host) -> dict[str, Client]:
    """Return a client for each scope, with that scope alone."""
    return {scope: add_key(host, f"only-{scope}", "--scopes", scope) for scope in SCOPES}


def path_of(route: str) -> tuple[str, str]:
    method, path = route.split()
    return method, filled(path)


def test_every_route_has_a_row(clients: dict[str, Client]) -> None:
    schema = clients["read"].get("/v1/openapi.json").json()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in schema.items() for method in methods}
    differing = routes ^ (set(ROUTES) | OPEN)
    assert not differing, f"without a route or a row: {differing}; change tests/support/api_calls/scopes_of_routes.py"
    for path, methods in schema.items():
        for method, operation in methods.items():
            if f"{method.upper()} {path}" in ROUTES:
                undescribed = {"401", "403", "429", "503"} - set(operation["responses"])
                assert not undescribed, (
                    f"{method} {path} lacks {undescribed}; give it require_scope(…) and responses(401, 503)"
                )


def test_every_hidden_route_has_one_too() -> None:
    found = {
        f"{method} {route.path}" for route in all_routes() if not route.include_in_schema for method in route.methods
    }
    assert found == set(BESIDE)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_opens_for_its_scopes_alone(clients: dict[str, Client], route: str, scope: str) -> None:
    opening, status, arguments = ROUTES[route]
    method, path = path_of(route)
    with clients[scope].request(method, path, **arguments) as response:
        if scope in opening:
            assert response.status_code == status
        else:
            assert response.status_code == 403
            assert response.headers["content-type"] == "application/problem+json"
            problem = response.json()
            assert problem["scope"] in opening and problem["scope"] in problem["detail"]


@pytest.mark.parametrize("route", [*ROUTES, *BESIDE])
def test_no_route_opens_without_a_key(host: Host, clients: dict[str, Client], route: str) -> None:
    method, path = path_of(route)
    response = Client(host.url).request(method, path)
    assert response.status_code == 401 and response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", BESIDE)
@pytest.mark.parametrize("scope", SCOPES)
def test_other_ways_to_write_a_route_are_no_way_around(clients: dict[str, Client], route: str, scope: str) -> None:
    method, path = path_of(route)
    response = clients[scope].request(method, path, json={"scheduler_name": "none such", "action": "stop"})
    assert (response.status_code == 403) is (scope not in BESIDE[route])


def test_docs_are_for_any_key_and_health_for_everyone(host: Host, clients: dict[str, Client]) -> None:
    for path in ("/docs", "/v1/openapi.json"):
        assert clients["control"].get(path).status_code == 200 and Client(host.url).get(path).status_code == 401
    for path in ("/healthz", "/readyz"):
        assert Client(host.url).get(path).status_code == 200


def test_deleting_by_a_list_needs_control(clients: dict[str, Client]) -> None:
    query = {"action": "delete", "end_at": "2020-01-01"}
    for scope in READERS:
        response = clients[scope].get("/tasks", params=query)
        assert response.status_code == 403 and response.json()["scope"] == "control"


def test_going_before_others_needs_control(host: Host, clients: dict[str, Client]) -> None:
    poor, usual = add_key(host, "poor", "--scopes", "generate,read"), add_key(host, "usual")
    refused = poor.generate(priority=1)
    assert refused.status_code == 403 and refused.json()["scope"] == "control"
    for client, priority in ((poor, -1), (poor, 0), (usual, 10)):
        assert client.draw(priority=priority)["task_status"] == "finished"


def test_a_body_of_a_stranger_is_not_read(host: Host, clients: dict[str, Client]) -> None:
    response = Client(host.url).post(
        "/v1/engine/generate/", data=b"{" * 1000, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 401


# ------------------------------------------------------------------------- its own


@pytest.fixture(scope="module")
def ann(host: Host, clients: dict[str, Client]) -> Client:
    return add_key(host, "ann")


@pytest.fixture(scope="module")
def bob(host: Host, clients: dict[str, Client]) -> Client:
    return add_key(host, "bob")


@pytest.fixture(scope="module")
def boss(host: Host, clients: dict[str, Client]) -> Client:
    return add_key(host, "boss", "--scopes", "read-all,control")


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    PILImage.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_lists_have_its_own_tasks_alone(ann: Client, bob: Client, boss: Client) -> None:
    mine, theirs = ann.draw(prompt="of ann")["task_id"], bob.draw(prompt="of bob")["task_id"]

    def listed(client: Client, **query: Any) -> set[str]:
        response = client.get("/tasks", params=query)
        return {record["task_id"] for tasks in response.json().values() for record in tasks}

    assert mine in listed(ann) and theirs not in listed(ann)
    assert {mine, theirs} <= listed(boss) and listed(boss, source="bob") == listed(bob)
    assert listed(ann, source="bob") == set() and listed(ann, source=["ann", "bob"]) == listed(ann)
    assert ann.get("/tasks", params={"prompt": "bob"}).headers["x-total-count"] == "0"


@pytest.mark.parametrize("route", [route for route in ROUTES if "{task_id}" in route])
def test_a_task_of_another_is_as_good_as_none(ann: Client, bob: Client, route: str) -> None:
    task_id = bob.draw()["task_id"]
    method, path = route.split()
    body = ROUTES[route][2]
    there, none = (ann.request(method, path.format(task_id=name), **body) for name in (task_id, NO_TASK))
    assert there.status_code == none.status_code == 404
    assert there.json()["detail"].replace(task_id, "") == none.json()["detail"].replace(NO_TASK, "")
    assert bob.task(task_id)["task_status"] == "finished"


def test_the_running_and_the_waiting_task_of_another_are_left_alone(ann: Client, bob: Client, boss: Client) -> None:
    running = bob.submit(overwrite_step=200)["task_id"]
    bob.until(running, "running")
    waiting = bob.submit()["task_id"]
    for action in ("stop", "skip"):
        assert ann.control(action).json() == {"message": "No task is running.", "task_id": None}
    assert ann.tasks() == {**ann.tasks(), "current": [], "pending": []}
    for task_id in (running, waiting):
        assert ann.post(f"/tasks/{task_id}/stop").status_code == 404
    assert bob.task(running)["task_status"] == "running" and bob.task(waiting)["task_status"] == "pending"
    assert boss.control("stop").json()["task_id"] == running
    assert bob.ended(running)["task_status"] == "stopped" and bob.ended(waiting)["task_status"] == "finished"


def test_events_are_of_its_own_tasks_alone_also_of_those_that_were_missed(
    ann: Client, bob: Client, boss: Client
) -> None:
    with ann.get("/v1/events", stream=True) as before:
        first = next(line for line in before.iter_lines(chunk_size=1) if line.startswith(b"id: "))
        begin = first.removeprefix(b"id: ").decode()
    with ann.get("/v1/events", stream=True) as live, boss.get("/v1/events", stream=True) as all_live:
        theirs, mine = bob.draw()["task_id"], ann.draw()["task_id"]
        assert _until_the_end_of(live, mine) == {mine}
        assert {theirs, mine} <= _until_the_end_of(all_live, mine)
    with ann.get("/v1/events", stream=True, headers={"Last-Event-ID": begin}) as late:
        assert _until_the_end_of(late, mine) == {mine}


def _until_the_end_of(stream: Any, task_id: str) -> set[str]:
    seen = set()
    for event in events(stream):
        seen.add(event.data["task_id"])
        if event.data["task_id"] == task_id and event.name == "finished":
            return seen
    raise AssertionError("the stream ended")


def test_an_image_of_another_is_as_good_as_none(ann: Client, bob: Client, boss: Client) -> None:
    link = bob.draw()["result"][0]
    assert Client(ann.url).get(link).status_code == ann.get(link).status_code == 200
    url = link.partition("?")[0]
    assert bob.get(url).status_code == 200 and boss.get(url).status_code == 200
    refused = ann.get(url)
    assert refused.status_code == 404 and refused.json()["code"] == "image_not_found"
    reference = url.partition("/outputs/")[2]
    for text in (url, link, f"/outputs/{reference}", f"outputs/{reference}"):
        answer = ann.generate(uov_method="Vary (Subtle)", uov_input_image=text)
        assert answer.status_code == 422 and "does not exist" in answer.json()["detail"]
        assert ann.post("/v1/tools/describe-image", json={"image": text}).status_code == 422
    assert bob.draw(uov_method="Upscale (Fast 2x)", uov_input_image=url)["task_status"] == "finished"


def test_an_image_is_seen_while_its_task_still_draws(ann: Client, bob: Client) -> None:
    task_id = bob.submit(image_number=2)["task_id"]
    with bob.get(f"/tasks/{task_id}/events", stream=True) as stream:
        link = next(event.data["image"]["url"] for event in events(stream) if event.name == "image")
        image = link.partition("?")[0]
        assert bob.get(image).status_code == 200 and ann.get(image).status_code == 404


def test_an_upload_is_for_whoever_sent_it(ann: Client, bob: Client, boss: Client) -> None:
    def upload(client: Client) -> dict[str, Any]:
        answer = client.post("/inputs", files={"image": png("teal")})
        assert answer.status_code == 201
        return {**answer.json(), "url": answer.json()["url"].partition("?")[0]}

    kept = upload(bob)
    assert bob.get(kept["url"]).status_code == 200 and boss.get(kept["url"]).status_code == 200
    assert ann.get(kept["url"]).status_code == 404
    for text in (kept["url"], kept["file_name"]):
        answer = ann.generate(uov_method="Upscale (Fast 2x)", uov_input_image=text)
        assert answer.status_code == 422 and "does not exist" in answer.json()["detail"]
    assert upload(ann) == kept
    assert ann.get(kept["url"]).status_code == 200
    assert ann.draw(uov_method="Upscale (Fast 2x)", uov_input_image=kept["file_name"])["task_status"] == "finished"


def test_an_input_of_its_own_task_is_seen(ann: Client, bob: Client) -> None:
    sent = base64.b64encode(png("olive")).decode()
    record = bob.draw(uov_method="Upscale (Fast 2x)", uov_input_image=sent)
    url = record["req_params"]["uov_input_image"].partition("?")[0]
    assert bob.get(url).status_code == 200 and ann.get(url).status_code == 404


def test_deleting_by_a_list_takes_its_own_alone(host: Host, ann: Client, bob: Client) -> None:
    mine, theirs = ann.draw(), bob.draw()
    answer = ann.get("/tasks", params={"action": "delete", "start_at": "2020-01-01"})
    assert answer.status_code == 200 and answer.json()["deleted"] >= 1
    assert ann.get(f"/tasks/{mine['task_id']}").status_code == 404
    assert bob.task(theirs["task_id"])["result"]
    assert bob.get(theirs["result"][0].partition("?")[0]).status_code == 200


def test_the_same_idempotency_key_of_another_is_another(ann: Client, bob: Client) -> None:
    headers = {"Idempotency-Key": "the same"}
    first, second = (client.post("/v1/engine/generate/", json=QUICK, headers=headers) for client in (ann, bob))
    assert first.json()["source"] == "ann" and second.json()["source"] == "bob"
