"""Stop and skip of the running task."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import demo_host


@pytest.fixture(scope="module")
def slow() -> Iterator[Client]:
    """Yield a client of a demo host with slow steps."""
    with demo_host(step_ms=40) as host:
        yield Client(host.url)


def test_stop_ends_the_running_task_only(slow: Client) -> None:
    first, second, third = (slow.submit(overwrite_step=40) for _ in range(3))
    slow.until(first["task_id"], "running")
    answer = slow.control("stop")
    assert answer.status_code == 200 and answer.json()["task_id"] == first["task_id"] and answer.json()["message"]
    assert slow.ended(first["task_id"])["task_status"] == "stopped"
    assert slow.ended(second["task_id"])["task_status"] == "finished"
    assert slow.ended(third["task_id"])["task_status"] == "finished"


def test_stopping_keeps_what_was_drawn(slow: Client) -> None:
    task = slow.submit(image_number=4, overwrite_step=10)
    wait_for(lambda: slow.task(task["task_id"])["progress"] >= 55, "two images to be drawn")
    slow.control("stop")
    record = slow.ended(task["task_id"])
    assert record["task_status"] == "stopped" and 1 <= len(record["result"]) < 4


def test_skip_goes_on_with_the_next_image(slow: Client) -> None:
    task = slow.submit(image_number=2, overwrite_step=20)
    slow.until(task["task_id"], "running")
    assert slow.post("/v1/engine/control", json={"action": "skip"}).json()["task_id"] == task["task_id"]
    record = slow.ended(task["task_id"])
    assert record["task_status"] == "finished" and len(record["result"]) == 1


def test_skipping_the_only_image_is_no_failure(slow: Client) -> None:
    task = slow.submit(overwrite_step=30)
    slow.until(task["task_id"], "running")
    slow.control("skip")
    record = slow.ended(task["task_id"])
    assert record["task_status"] == "stopped" and record["result"] == [] and "error" not in record


def test_a_stopped_stream_says_so(slow: Client) -> None:
    seen = []
    for event in slow.stream(overwrite_step=40):
        seen.append(event)
        if event.data["preview"]:
            slow.control("stop")
    assert seen[-1].name == "message" and seen[-1].data["message"] == "Stopped"


def test_a_stopped_image_request_is_409(slow: Client) -> None:
    threading.Timer(0.5, slow.control, ("stop",)).start()
    response = Client(slow.url).generate(accept="image/png", overwrite_step=60)
    assert response.json()["code"] == "task_stopped" and response.json()["task_id"]


def test_with_nothing_running_nothing_is_done(slow: Client) -> None:
    answer = slow.control("stop")
    assert answer.status_code == 200 and answer.json()["task_id"] is None
    assert slow.draw()["task_status"] == "finished"


@pytest.mark.parametrize("action", ["", "pause"])
def test_other_actions_are_refused_by_name(slow: Client, action: str) -> None:
    response = slow.control(action)
    assert response.status_code == 422 and response.json()["errors"][0]["field"].endswith("action")


def test_no_action_at_all(slow: Client) -> None:
    response = slow.post("/v1/engine/control/")
    assert response.status_code == 422 and response.json()["errors"][0]["allowed"] == ["stop", "skip"]
