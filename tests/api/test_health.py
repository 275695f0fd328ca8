"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from fooocus_api.tests.support.client import Client, wait_for

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory


def test_ready_only_when_the_models_are_loaded(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--apikey", "secret", load_ms=3000).url)
    seen = []

    def ready() -> bool:
        response = client.get("/readyz")
        seen.append((response.status_code, response.json()["model_loaded"]))
        return response.status_code == 200

    wait_for(ready, "the models to be loaded")
    assert seen[0] == (503, False) and seen[-1] == (200, True)
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/metrics").status_code == 401
    keyed = Client(client.url, key="secret")
    keyed.post("/v1/engine/unload")
    assert keyed.get("/readyz").json() == {**keyed.get("/healthz").json(), "model_loaded": False}


def test_ready_also_when_nobody_asked_before_the_models_were_unloaded(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory().url)
    client.draw()
    assert client.post("/v1/engine/unload").status_code == 200
    assert client.get("/readyz").json() == {**client.get("/healthz").json(), "model_loaded": False}


def test_a_history_that_can_not_be_written_is_said(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client = Client(host.url)
    database = sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    response = client.get("/healthz")
    assert response.status_code == 503 and response.json()["database_writable"] is False
    assert "history" in response.json()["status"]
    database.execute("COMMIT")
    database.close()
    wait_for(lambda: client.get("/healthz").status_code == 200, "the history to be written again")
    assert client.draw()["task_status"] == "finished"


def test_metrics_count_what_happened(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=20)
    client = Client(host.url)
    client.draw(overwrite_step=5)
    stopped = client.submit(overwrite_step=100)["task_id"]
    waiting = client.submit()["task_id"]
    client.until(stopped, "running")
    text = client.get("/metrics").text

    def value(name: str, source: str) -> float:
        found = re.search(rf"^fooocus_api_{re.escape(name)} (\S+)$", source, re.M)
        assert found is not None, f"{name} is not in\n{source}"
        return float(found[1])

    assert value("queue_length", text) == value("tasks_running", text) == 1
    client.post(f"/tasks/{stopped}/stop")
    client.ended(waiting)
    text = client.get("/metrics").text
    assert value('task_seconds_count{status="finished"}', text) == 2
    assert value('task_seconds_count{status="stopped"}', text) == 1
    assert value('events_total{kind="finished"}', text) == 2
    assert value("step_seconds_count", text) >= 4 and value("queue_length", text) == 0
    assert value("gpu_memory_used_bytes", text) >= 0 and value("listeners", text) == 0
