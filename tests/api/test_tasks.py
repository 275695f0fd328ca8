"""`GET /tasks`: pages, filters and records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as PILImage

from fooocus_api.api.requests.timestamps import parse_timestamp
from fooocus_api.tests.support.client import Client, Record, wait_for, without_repeats
from fooocus_api.tests.support.host import demo_host

if TYPE_CHECKING:
    from pathlib import Path

    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

PROMPTS = ["a red fox", "a red Car 100%", "一只猫在湖边", "a blue car", "the last one"]


@pytest.fixture(scope="module")
def history() -> Iterator[Client]:
    """Yield a client of a host with five tasks in its history, the fourth of which was stopped while pending."""
    with demo_host("--apikey", "secret", step_ms=50) as host:
        client = Client(host.url, key="secret")
        tasks = [client.submit(prompt=prompt, overwrite_step=10)["task_id"] for prompt in PROMPTS]
        client.post(f"/tasks/{tasks[3]}/stop")
        statuses = [client.ended(task_id)["task_status"] for task_id in tasks]
        assert statuses == ["finished"] * 3 + ["stopped", "finished"]
        yield client


def prompts(client: Client, **query: Any) -> list[str]:
    return [record["req_params"]["prompt"] for record in client.tasks(query="history", **query)["history"]]


def test_the_newest_come_first_a_page_at_a_time(history: Client) -> None:
    response = history.get("/tasks", params={"query": "history", "page_size": 2, "page": 1})
    assert [record["req_params"]["prompt"] for record in response.json()["history"]] == [PROMPTS[2], PROMPTS[1]]
    assert response.json()["current"] == response.json()["pending"] == []
    assert response.headers["X-Total-Count"] == response.headers["X-Total-History"] == "5"
    assert response.headers["X-Page"] == "1" and response.headers["X-Page-Size"] == "2"
    assert prompts(history, page_size=2, page=2) == [PROMPTS[0]]
    assert prompts(history, page=7) == []
    assert prompts(history, sort="oldest", page_size=2) == PROMPTS[:2]


def test_a_page_has_a_most(history: Client) -> None:
    response = history.get("/tasks", params={"page_size": 100_000})
    assert response.headers["X-Page-Size"] == "100" and len(response.json()["history"]) == 5


def test_records_are_whole(history: Client) -> None:
    listed: Record = history.tasks()["history"][0]
    assert listed == without_repeats(history.task(listed["task_id"]))
    assert listed["source"].startswith("key-") and "secret" not in listed["source"]
    assert len(listed["result"]) == 1 and listed["images"][0]["kept"] is True


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "stopped"}, [3]),
        ({"status": ["failed", "stopped"]}, [3]),
        ({"status": "running"}, []),
        ({"prompt": "red"}, [1, 0]),
        ({"prompt": "CAR red"}, [1]),
        ({"prompt": "100%"}, [1]),
        ({"prompt": "1_0"}, []),
        ({"prompt": "猫"}, [2]),
        ({"prompt": "unicorn"}, []),
        ({"source": "webui"}, []),
        ({"source": "", "model": "", "prompt": "", "action": "", "end_at": ""}, [4, 3, 2, 1, 0]),
        ({"model": "no-such.safetensors"}, []),
        ({"prompt": "red", "status": "finished", "sort": "oldest"}, [0, 1]),
    ],
)
def test_filters(history: Client, query: dict[str, Any], expected: list[int]) -> None:
    assert prompts(history, **query) == [PROMPTS[index] for index in expected]


def test_by_source_and_model(history: Client) -> None:
    record = history.tasks()["history"][0]
    model = record["req_params"]["base_model_name"]
    assert len(prompts(history, source=record["source"], model=model)) == 5
    assert prompts(history, source=["webui", "api"]) == []


def test_times_with_and_without_a_zone(history: Client) -> None:
    queued = [record["in_queue_mills"] for record in history.tasks(sort="oldest")["history"]]
    moment = datetime.fromtimestamp(queued[2] / 1000)
    for written in (
        moment.isoformat(timespec="milliseconds"),
        moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        moment.astimezone(timezone(timedelta(hours=9))).isoformat(timespec="milliseconds"),
    ):
        assert len(prompts(history, start_at=written)) == 3, written
        assert len(prompts(history, end_at=written)) == 3, written
        assert prompts(history, start_at=written, end_at=written) == [PROMPTS[2]]
    today = datetime.now().date()
    assert len(prompts(history, start_at=(today - timedelta(days=1)).isoformat(), end_at=today.isoformat())) == 5
    assert prompts(history, end_at=(today - timedelta(days=2)).isoformat()) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"query": "everything"}, "query"),
        ({"page": -1}, "page"),
        ({"page_size": 0}, "page_size"),
        ({"status": "gone"}, "status"),
        ({"sort": "random"}, "sort"),
        ({"start_at": "yesterday"}, "start_at"),
        ({"end_at": "2024-13-01"}, "end_at"),
        ({"start_at": "2024-02-01", "end_at": "2024-01-01"}, "start_at"),
        ({"action": "explode"}, "action"),
        ({"action": "delete"}, "start_at"),
    ],
)
def test_what_can_not_be_asked_is_named(history: Client, query: dict[str, Any], field: str) -> None:
    response = history.get("/tasks", params=query)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert field == response.json()["errors"][0]["field"].partition("[")[0]
    assert len(prompts(history)) == 5


def test_an_unknown_task_is_404(history: Client) -> None:
    for task_id in ("0" * 32, "x", "%00", "' OR 1=1"):
        assert history.get(f"/tasks/{task_id}").status_code == 404


def test_what_runs_and_waits(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(step_ms=100).url)
    running = client.submit(overwrite_step=60)["task_id"]
    waiting = [client.submit(prompt=f"number {index}")["task_id"] for index in range(3)]
    client.until(running, "running")
    lists = client.tasks()
    assert [record["task_id"] for record in lists["current"]] == [running] and lists["history"] == []
    assert [record["task_id"] for record in lists["pending"]] == waiting
    assert [record["queue_position"] for record in lists["pending"]] == [0, 1, 2]
    assert client.post(f"/tasks/{waiting[2]}/move-to-front").json()["queue_position"] == 0
    response = client.get("/tasks", params={"query": "pending", "page_size": 2})
    assert [record["task_id"] for record in response.json()["pending"]] == [waiting[2], waiting[0]]
    assert response.headers["X-Total-Pending"] == "3"
    assert [record["task_id"] for record in client.tasks(prompt="number 1")["pending"]] == [waiting[1]]
    then = client.tasks(end_at="2020-01-01")  # a time range selects from the history only
    assert (len(then["history"]), len(then["current"]), len(then["pending"])) == (0, 1, 3)
    wait_for(lambda: client.tasks(query="current")["current"][0].get("preview"), "a preview")


def test_what_is_clicked_in_the_webui_is_in_the_history(demo_factory: DemoFactory, browser: Browser) -> None:
    host = demo_factory()
    client = Client(host.url)
    browser.open(host.url).quick(images=2).generate("a clicked lighthouse")
    assert len(browser.images(2)) == 2
    (record,) = client.tasks(query="history", source="webui", prompt="lighthouse")["history"]
    assert record["req_params"]["prompt"] == "a clicked lighthouse" and record["req_params"]["image_number"] == 2
    assert record["task_status"] == "finished" and len(record["result"]) == 2
    assert all(client.image(url).size == (256, 256) for url in record["result"])


def test_images_put_into_the_webui_are_in_its_record(
    demo_factory: DemoFactory, browser: Browser, tmp_path: Path
) -> None:
    host = demo_factory()
    client = Client(host.url)
    picture = tmp_path / "picture.png"
    PILImage.linear_gradient("L").resize((320, 200)).convert("RGB").save(picture)
    browser.open(host.url).quick()
    browser.check("Input Image")
    browser.tab("Upscale or Variation")
    browser.upload(picture)
    browser.choose("Vary (Subtle)")
    browser.generate("from a picture")
    assert browser.images()

    def recorded() -> Record | None:
        (record,) = client.tasks(query="history")["history"]
        return record if record["req_params"].get("uov_input_image") else None

    record = wait_for(recorded, "the picture to be kept")
    assert record["req_params"]["current_tab"] == "uov" and record["req_params"]["uov_method"] == "Vary (Subtle)"
    kept = client.image(record["req_params"]["uov_input_image"])
    assert kept.convert("RGB").tobytes() == PILImage.open(picture).tobytes()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has one time zone for all processes")
def test_a_day_that_ends_with_a_clock_that_goes_back_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "America/Santiago")
        time.tzset()
        first, last = (parse_timestamp("end_at", "2026-04-04", end=end) for end in (False, True))
    time.tzset()
    assert first is not None and last is not None
    assert last - first == 25 * 3_600_000 - 1
