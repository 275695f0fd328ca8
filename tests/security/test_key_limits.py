"""Limits of API keys: requests per minute, waiting tasks, and images per day."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from fooocus_api.auth.rate_limit import LimitReached, RequestRate
from fooocus_api.tests.support.client import QUICK, Client
from fooocus_api.tests.support.keys import add_key

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.host import Host


@pytest.fixture
def clock() -> tuple[list[float], Callable[[], float]]:
    now = [100.0]
    return now, lambda: now[0]


def test_requests_a_minute_are_a_bucket_that_fills_evenly(clock: tuple[list[float], Callable[[], float]]) -> None:
    now, read = clock
    rate = RequestRate(read)
    for _ in range(6):
        rate.take("bot", 6)
    rate.take("shop", 6)
    with pytest.raises(LimitReached) as refusal:
        rate.take("bot", 6)
    assert (refusal.value.limit, refusal.value.most, refusal.value.retry_after) == ("requests_per_minute", 6, 10)
    now[0] += 4
    with pytest.raises(LimitReached) as refusal:
        rate.take("bot", 6)
    assert refusal.value.retry_after == 6
    now[0] += 6
    rate.take("bot", 6)
    now[0] += 3600
    for _ in range(6):
        rate.take("bot", 6)
    with pytest.raises(LimitReached):
        rate.take("bot", 6)


def assert_limited(response: object, limit: str, allowed: int) -> int:
    """Assert a 429 for that limit, and return the seconds to wait."""
    assert response.status_code == 429, response.text  # type: ignore[attr-defined]
    body = response.json()  # type: ignore[attr-defined]
    assert (body["limit"], body["allowed"]) == (limit, allowed)
    return int(response.headers["retry-after"])  # type: ignore[attr-defined]


def test_too_many_requests_are_429_for_that_key_alone(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    bot, shop = add_key(host, "bot", "--requests-per-minute", "3"), add_key(host, "shop")
    assert [bot.get("/v1/engines/samplers").status_code for _ in range(3)] == [200, 200, 200]
    assert 1 <= assert_limited(bot.get("/v1/engines/samplers"), "requests_per_minute", 3) <= 20
    assert shop.get("/v1/engines/samplers").status_code == 200
    assert bot.get("/healthz").status_code == 200


def test_waiting_tasks_of_a_key_are_limited(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=50)
    bot, shop = add_key(host, "bot", "--pending-tasks", "2"), add_key(host, "shop")
    running = shop.submit(overwrite_step=200)["task_id"]
    shop.until(running, "running")
    waiting = [bot.submit()["task_id"] for _ in range(2)]
    refused = bot.generate(async_process=True)
    assert assert_limited(refused, "pending_tasks", 2) >= 1
    shop.submit()
    assert bot.request("DELETE", f"/tasks/{waiting[0]}").status_code == 200
    bot.submit()
    shop.post(f"/tasks/{running}/stop")


def test_images_a_day_count_over_restarts_and_deletion(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    bot, shop = add_key(host, "bot", "--images-per-day", "3"), add_key(host, "shop")
    record = bot.draw(image_number=2)
    assert 1 <= assert_limited(bot.generate(image_number=2), "images_per_day", 3) <= 24 * 3600
    assert bot.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204
    host.stop()
    host.start()
    assert_limited(bot.generate(image_number=2), "images_per_day", 3)
    headers = {"Idempotency-Key": "once"}
    first = bot.post("/v1/engine/generate/", json=QUICK, headers=headers)
    again = bot.post("/v1/engine/generate/", json=QUICK, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200) and again.headers["idempotency-replayed"] == "true"
    assert_limited(bot.generate(), "images_per_day", 3)
    assert shop.draw(image_number=4)["task_status"] == "finished"


def test_more_images_than_a_days_quota_are_refused_for_good(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    bot = add_key(host, "bot", "--images-per-day", "3")
    refused = bot.generate(image_number=4)
    assert refused.status_code == 422 and "retry-after" not in refused.headers
    (error,) = refused.json()["errors"]
    assert (error["field"], error["code"]) == ("image_number", "out_of_range")
    assert "quota is 3 images a day" in error["message"]
    assert bot.draw(image_number=3)["task_status"] == "finished"
    assert_limited(bot.generate(), "images_per_day", 3)


def test_max_pending_names_itself_too(demo_factory: DemoFactory) -> None:
    host: Host = demo_factory("--max-pending", "1", step_ms=50)
    client = Client(host.url)
    running = client.submit(overwrite_step=200)["task_id"]
    client.until(running, "running")
    client.submit()
    refused = client.generate(async_process=True)
    assert_limited(refused, "max_pending", 1)
    assert refused.json()["code"] == "queue_full"
