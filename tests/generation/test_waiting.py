"""Waiting for an image with `Prefer` or a stream, also when Fooocus shuts down first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import requests

from fooocus_api.api.requests.headers.prefer import MAX_WAIT_S, preference_of
from fooocus_api.tests.support.client import QUICK, Client, wait_for

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.host import Host


@pytest.fixture
def slow(demo_factory: DemoFactory) -> tuple[Host, Client]:
    host = demo_factory(step_ms=50)
    return host, Client(host.url)


def test_respond_async_is_202(slow: tuple[Host, Client]) -> None:
    _, client = slow
    response = client.post("/v1/engine/generate", json={"overwrite_step": 3}, headers={"Prefer": "respond-async"})
    assert response.status_code == 202 and response.json()["task_status"] in ("pending", "running")
    assert response.headers["Preference-Applied"] == "respond-async"
    assert client.get(response.headers["Location"]).json()["task_id"] == response.json()["task_id"]
    client.ended(response.json()["task_id"])


@pytest.mark.parametrize("accept", ["application/json", "image/png"])
def test_wait_gives_the_result_if_it_is_ready_in_time(slow: tuple[Host, Client], accept: str) -> None:
    _, client = slow
    body = {"overwrite_step": 2, "overwrite_width": 64, "overwrite_height": 64}
    headers = {"Accept": accept, "Prefer": "wait=60"}
    response = client.post("/v1/engine/generate", json=body, headers=headers)
    assert response.status_code == 200 and response.headers["Preference-Applied"] == "wait=60"
    assert response.headers["content-type"] == accept
    headers["Prefer"] = "respond-async, wait=1"
    late = client.post("/v1/engine/generate", json={**body, "overwrite_step": 100}, headers=headers)
    assert late.status_code == 202 and late.json()["task_status"] == "running"
    client.post(f"/tasks/{late.json()['task_id']}/stop")


def test_a_full_queue_says_when_to_come_back(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--max-pending", "2", step_ms=50).url)
    running = client.submit(overwrite_step=60)["task_id"]
    client.until(running, "running")
    waiting = [client.submit()["task_id"] for _ in range(2)]
    refused = client.generate(async_process=True)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/info").json()["tasks"] == {"pending": 2, "running": 1}
    client.post(f"/tasks/{running}/stop")
    assert [client.ended(task_id)["task_status"] for task_id in waiting] == ["finished"] * 2
    client.draw()


@pytest.mark.parametrize(
    ("headers", "wait", "applied"),
    [
        (["respond-async"], 0, "respond-async"),
        (["wait=7"], 7, "wait=7"),
        (['Wait = "7"; a=b'], 7, "wait=7"),
        (["respond-async, wait=10"], 10, "respond-async, wait=10"),
        (["handling=lenient", "respond-async"], 0, "respond-async"),
        (["wait=99999999999"], MAX_WAIT_S, "wait=3600"),
        (["wait=1, wait=2"], 1, "wait=1"),
        (['foo="a, wait=7", respond-async'], 0, "respond-async"),
    ],
)
def test_what_a_client_prefers(headers: list[str], wait: float, applied: str) -> None:
    preference = preference_of(headers)
    assert preference is not None and (preference.wait, preference.applied) == (wait, applied)


@pytest.mark.parametrize("headers", [[], [""], ["wait"], ["wait=-1"], ["wait=soon"], ['foo="wait=7'], ["wait=7x"]])
def test_what_is_no_wish_of_that_kind(headers: list[str]) -> None:
    assert preference_of(headers) is None


def test_what_has_ended_before_is_no_promise(slow: tuple[Host, Client]) -> None:
    _, client = slow
    headers = {"Idempotency-Key": "once", "Prefer": "respond-async"}
    first = client.post("/v1/engine/generate", json=QUICK, headers=headers)
    assert first.status_code == 202
    client.ended(first.json()["task_id"])
    again = client.post("/v1/engine/generate", json=QUICK, headers=headers)
    assert again.status_code == 200 and again.json()["task_status"] == "finished"


def test_an_end_of_fooocus_is_told_to_all_who_wait(slow: tuple[Host, Client]) -> None:
    host, client = slow
    answers: dict[str, requests.Response] = {}
    last: list[tuple[str, dict[str, object]]] = []

    def ask(name: str, prefer: str | None = None) -> None:
        headers = {"Prefer": prefer} if prefer else {}
        answers[name] = client.post("/v1/engine/generate", json={"overwrite_step": 200}, headers=headers)

    def listen() -> None:
        last.extend((event.name, event.data) for event in client.stream(overwrite_step=200))

    waiting = [
        threading.Thread(target=ask, args=("synchronous",)),
        threading.Thread(target=ask, args=("patient", "wait=100")),
        threading.Thread(target=listen),
    ]
    for thread in waiting:
        thread.start()
    wait_for(lambda: sum(client.get("/v1/info").json()["tasks"].values()) == 3, "all to be there")
    assert host.stop() == 0
    for thread in waiting:
        thread.join(30)
    name, data = last[-1]
    assert name == "error" and data["code"] == "shutting_down" and data["status"] == 503
    host.start()
    client = Client(host.url)
    refused, accepted = answers["synchronous"], answers["patient"]
    assert refused.status_code == 503 and accepted.status_code == 202
    for task_id in (data["task_id"], refused.json()["task_id"], accepted.json()["task_id"]):
        assert client.post(f"/tasks/{task_id}/stop").status_code == 200  # the task exists again
    assert refused.headers["X-Task-Id"] == refused.json()["task_id"]
    assert refused.headers["Location"].endswith(f"/tasks/{refused.json()['task_id']}")
