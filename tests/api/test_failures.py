"""Failures of the host: they are reported as failures and don't affect the next task."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import Client, Record, events
from fooocus_api.tests.support.host import DEMO, Host, demo_host

DOOMED = "doomed.safetensors"


@pytest.fixture(scope="module")
def own_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a demo host on a copy of the demo, whose files a test may change."""
    checkout = tmp_path_factory.mktemp("host") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    with demo_host(step_ms=20, checkout=checkout) as host:
        yield host


class Doomed:
    """A checkpoint that exists when a task is accepted, but not when the worker loads it."""

    def __init__(self, host: Host) -> None:
        folder = host.checkout / "models" / "checkpoints"
        self.path = folder / DOOMED
        self.source = next(path for path in sorted(folder.iterdir()) if path.suffix == ".safetensors")
        self.client = Client(host.url)

    def __enter__(self) -> Record:
        shutil.copyfile(self.source, self.path)
        self.ahead = self.client.submit(overwrite_step=20)
        return self.ahead

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def test_async_ends_as_failed_with_the_hosts_message(own_demo: Host) -> None:
    client, doomed = Client(own_demo.url), Doomed(own_demo)
    with doomed:
        task = client.submit(base_model_name=DOOMED)
        doomed.path.unlink()
    record = client.ended(task["task_id"])
    assert record["task_status"] == "failed" and record["result"] == []
    assert DOOMED in record["error"]["message"] and record["error"]["type"]
    assert client.draw()["task_status"] == "finished"


def test_synchronous_is_500_in_problem_form(own_demo: Host) -> None:
    client, doomed = Client(own_demo.url), Doomed(own_demo)
    with doomed as ahead:
        client.until(ahead["task_id"], "running")
        threading.Timer(0.1, doomed.path.unlink).start()
        response = client.generate(base_model_name=DOOMED)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "generation_failed" and problem["task_status"] == "failed" and DOOMED in problem["detail"]
    assert client.task(problem["task_id"])["error"] == problem["error"]


def test_a_stream_ends_with_an_error_event(own_demo: Host) -> None:
    client, doomed = Client(own_demo.url), Doomed(own_demo)
    with doomed, client.generate(stream=True, stream_output=True, base_model_name=DOOMED) as response:
        doomed.path.unlink()
        seen = list(events(response))
    assert [event.name for event in seen].count("error") == 1
    assert seen[-1].name == "error" and seen[-1].data["code"] == "generation_failed"
    assert DOOMED in seen[-1].data["error"]["message"]
    assert "Finished" not in [event.data["message"] for event in seen]


def test_an_image_request_is_500_too(own_demo: Host) -> None:
    client, doomed = Client(own_demo.url), Doomed(own_demo)
    with doomed as ahead:
        client.until(ahead["task_id"], "running")
        threading.Timer(0.1, doomed.path.unlink).start()
        response = client.generate(accept="image/png", base_model_name=DOOMED)
    assert response.status_code == 500 and response.headers["content-type"] == "application/problem+json"
