"""Control of a single task from any source (stop, skip, move, delete), and idempotent requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.client import QUICK, Client, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser
    from fooocus_api.tests.support.host import Host


@pytest.fixture
def slow(demo_factory: DemoFactory) -> tuple[Host, Client]:
    host = demo_factory(step_ms=50)
    return host, Client(host.url)


def log_of(host: Host) -> str:
    return next(host.outputs.glob("*/log.html")).read_text("utf-8")


def files(host: Host) -> list[Path]:
    return sorted(host.images())


def test_stop_and_skip_any_task(slow: tuple[Host, Client]) -> None:
    _, client = slow
    running = client.submit(overwrite_step=100, image_number=2)["task_id"]
    waiting = client.submit(prompt="waits")["task_id"]
    last = client.submit(prompt="last")["task_id"]
    client.until(running, "running")
    assert client.post(f"/tasks/{waiting}/skip").status_code == 409
    stopped = client.post(f"/tasks/{waiting}/stop")
    assert stopped.status_code == 200 and stopped.json()["task_status"] == "stopped"
    assert client.post(f"/tasks/{running}/skip").status_code == 200
    assert client.post(f"/tasks/{running}/stop").status_code == 200
    assert client.ended(running)["task_status"] == "stopped"
    assert client.ended(last)["task_status"] == "finished"
    for action in ("stop", "skip", "move-to-front"):
        response = client.post(f"/tasks/{last}/{action}")
        assert response.status_code == 409 and "finished" in response.json()["detail"]
        assert client.post(f"/tasks/{'0' * 32}/{action}").status_code == 404


def test_a_browsers_task_can_be_stopped(slow: tuple[Host, Client], browser: Browser) -> None:
    host, client = slow
    browser.open(host.url).quick(steps=100).generate("endless")
    current = wait_for(lambda: client.tasks(query="current")["current"], "the click to run")[0]
    assert client.post(f"/tasks/{current['task_id']}/stop").status_code == 200
    assert client.ended(current["task_id"])["task_status"] == "stopped"
    browser.finished()


def test_deleting_takes_the_record_its_images_and_their_log_entries(slow: tuple[Host, Client]) -> None:
    host, client = slow
    kept, gone = client.draw(prompt="kept"), client.draw(prompt="gone", image_number=2)
    last = client.draw(prompt="drawn later")
    assert len(files(host)) == 4
    wait_for(lambda: log_of(host).count('class="image-container"') == 4, "the log of the idle worker")
    response = client.request("DELETE", f"/tasks/{gone['task_id']}")
    assert response.status_code == 204 and not response.content
    assert client.get(f"/tasks/{gone['task_id']}").status_code == 404
    assert all(client.get(url).status_code == 404 for url in gone["result"])
    assert client.request("DELETE", f"/tasks/{gone['task_id']}").status_code == 404
    names = [record["result"][0].rsplit("/", 1)[1] for record in (kept, last)]
    assert [path.name for path in files(host)] == sorted(names)
    page = log_of(host)
    assert all(name in page for name in names) and "gone" not in page
    newest = client.draw(prompt="after the deletion")["result"][0].rsplit("/", 1)[1]
    wait_for(lambda: log_of(host).count('class="image-container"') == 3, "the log of the idle worker")
    assert newest in log_of(host) and "gone" not in log_of(host)


def test_deleting_a_pending_task_cancels_it_and_a_running_one_is_refused(slow: tuple[Host, Client]) -> None:
    _, client = slow
    running = client.submit(overwrite_step=100)["task_id"]
    client.until(running, "running")
    answers: list[int] = []
    waiter = threading.Thread(target=lambda: answers.append(Client(client.url).generate(prompt="waits").status_code))
    waiter.start()
    waiting = wait_for(lambda: client.tasks(query="pending")["pending"], "the second task")[0]["task_id"]
    refused = client.request("DELETE", f"/tasks/{running}")
    assert refused.status_code == 409 and "stop it first" in refused.json()["detail"]
    cancelled = client.request("DELETE", f"/tasks/{waiting}")
    assert cancelled.status_code == 200 and cancelled.json()["task_status"] == "stopped"
    waiter.join(10)
    assert answers == [200]
    assert client.task(waiting)["task_status"] == "stopped"
    client.post(f"/tasks/{running}/stop")


def test_deleting_a_time_leaves_what_lives_and_what_is_older(slow: tuple[Host, Client]) -> None:
    host, client = slow
    older = client.draw(prompt="older")
    drawn = [client.draw(prompt="to go") for _ in range(2)]
    running = client.submit(overwrite_step=100)["task_id"]
    waiting = client.submit(prompt="waits")["task_id"]
    client.until(running, "running")
    from_then = {"start_at": _written(drawn[0]["in_queue_mills"]), "action": "delete"}
    response = client.get("/tasks", params=from_then)
    assert response.json() == {"message": "2 tasks deleted", "deleted": 2}
    assert client.task(older["task_id"])["result"] and len(files(host)) == 1
    assert client.task(running)["task_status"] == "running" and client.task(waiting)["task_status"] == "pending"
    client.post(f"/tasks/{running}/stop")
    assert client.ended(waiting)["task_status"] == "finished"


def test_deleting_takes_no_more_than_the_filters_find(slow: tuple[Host, Client]) -> None:
    _, client = slow
    cat, dog = client.draw(prompt="a cat"), client.draw(prompt="a dog")
    everything = {"start_at": "2020-01-01", "action": "delete"}
    for none in ({"status": "failed"}, {"prompt": "bird"}, {"model": "other.safetensors"}, {"source": "webui"}):
        assert client.get("/tasks", params={**everything, **none}).json()["deleted"] == 0, none
    assert client.get("/tasks", params={**everything, "prompt": "CAT", "status": "finished"}).json()["deleted"] == 1
    assert [record["task_id"] for record in client.tasks()["history"]] == [dog["task_id"]]
    assert client.get(f"/tasks/{cat['task_id']}").status_code == 404


def test_files_outside_the_outputs_are_never_touched(demo_factory: DemoFactory) -> None:
    import sqlite3

    host = demo_factory()
    client = Client(host.url)
    record = client.draw()
    outside = host.folder / "precious.png"
    outside.write_bytes(b"mine")
    host.stop()
    with sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3") as database:
        for position, path in enumerate(("../precious.png", str(outside), ".fooocus_api/tasks.sqlite3"), 1):
            database.execute(
                "INSERT INTO task_image(task_id, position, path, kept, metadata) VALUES (?, ?, ?, 1, '{}')",
                (record["id"], position, path),
            )
    database.close()
    host.start()
    assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204
    assert outside.read_bytes() == b"mine"
    assert client.tasks()["history"] == [] and not files(host)


def _written(milliseconds: int) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="milliseconds")


# ---------------------------------------------------------------------- idempotency keys


def keyed(client: Client, key: str, **fields: object) -> object:
    return client.post("/v1/engine/generate", json={**QUICK, **fields}, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_give_the_first_task_again(client: Client) -> None:
    before = client.get("/v1/info").json()
    first = keyed(client, "order-1", prompt="once")
    again = keyed(client, "order-1", prompt="once")
    assert first.json() == again.json() and before  # type: ignore[attr-defined]
    assert "Idempotency-Replayed" not in first.headers  # type: ignore[attr-defined]
    assert again.headers["Idempotency-Replayed"] == "true"  # type: ignore[attr-defined]
    other = keyed(client, "order-1", prompt="twice")
    assert other.status_code == 422 and other.json()["errors"][0]["field"] == "Idempotency-Key"  # type: ignore[attr-defined]
    assert keyed(client, "order-2", prompt="once").json()["task_id"] != first.json()["task_id"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(client: Client, key: str) -> None:
    assert keyed(client, key, prompt="never").status_code == 422  # type: ignore[attr-defined]


def test_at_the_same_moment_one_task_answers_all(slow: tuple[Host, Client]) -> None:
    _, client = slow
    ids: list[str] = []
    barrier = threading.Barrier(6)

    def ask() -> None:
        barrier.wait()
        ids.append(keyed(Client(client.url), "at once", prompt="one").json()["task_id"])  # type: ignore[attr-defined]

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    assert len(ids) == 6 and len(set(ids)) == 1
    assert len(client.tasks(query="history")["history"]) == 1


def test_a_key_holds_across_a_restart_and_goes_with_its_task(slow: tuple[Host, Client]) -> None:
    host, client = slow
    first = keyed(client, "k", prompt="once").json()  # type: ignore[attr-defined]
    host.kill()
    host.start()
    assert keyed(client, "k", prompt="once").json()["task_id"] == first["task_id"]  # type: ignore[attr-defined]
    client.request("DELETE", f"/tasks/{first['task_id']}")
    assert keyed(client, "k", prompt="once").json()["task_id"] != first["task_id"]  # type: ignore[attr-defined]
