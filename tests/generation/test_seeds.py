"""Precision of seeds in JavaScript: random ones are safe integers, and every image has its seed as text."""

from __future__ import annotations

from random import SystemRandom
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.adapters.task_args.controls import Controls
from fooocus_api.adapters.task_args.mapping import SEED_LIMIT, ArgumentMapper
from fooocus_api.tests.generation.test_features import DRAWN
from fooocus_api.tests.support.client import Client, events
from fooocus_api.tests.support.servers.webhook_receiver import Receiver

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

SAFE = 2**53
"""JavaScript represents all integers below it exactly."""
LARGE = 2**63 - 1


def seeds(record: dict[str, Any]) -> list[int]:
    for image in record["images"]:
        assert image["seed_text"] == str(image["seed"])
    return [image["seed"] for image in record["images"]]


def test_a_random_seed_is_a_whole_number_to_javascript(client: Client) -> None:
    drawn = [seeds(client.draw(image_number=2, image_seed=seed)) for seed in (-1, "-1", -1)]
    assert len({first for first, _ in drawn}) == 3
    for first, second in drawn:
        assert 0 <= first < SAFE and second == first + 1 < SAFE


def no_images(reference: str) -> Any:
    raise AssertionError(reference)


def test_every_random_seed_is_and_those_after_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SEED_LIMIT + 1023 < SAFE
    asked: list[tuple[int, int]] = []

    def largest(_: SystemRandom, low: int, high: int) -> int:
        asked.append((low, high))
        return high

    monkeypatch.setattr(SystemRandom, "randint", largest)
    for host, expected in ((LARGE, SEED_LIMIT), (2**32 - 1, 2**32 - 1)):
        mapper = ArgumentMapper(["seed"], Controls([SimpleNamespace(value=0)]), host)
        assert mapper.to_positional({"image_seed": -1}, no_images) == [expected]
        assert mapper.to_positional({"image_seed": 5}, no_images) == [5] and mapper.to_positional({}, no_images) == [0]
    assert asked == [(0, SEED_LIMIT), (0, 2**32 - 1)]


def test_a_seed_of_ones_own_is_kept_to_its_last_digit(client: Client) -> None:
    for sent in (LARGE, str(LARGE), SAFE + 1, str(SAFE + 1)):
        record = client.draw(image_seed=sent)
        assert seeds(record) == [int(sent)]
        again = client.draw(image_seed=record["images"][0]["seed_text"])
        assert seeds(again) == [int(sent)] and client.task(again["task_id"])["images"][0]["seed_text"] == str(sent)


def test_what_is_not_drawn_has_no_seed(client: Client) -> None:
    (image,) = client.draw(**DRAWN["upscale fast"])["images"]
    assert image["seed"] is None and image["seed_text"] is None


def test_streams_and_receivers_are_told_it_as_text(demo_factory: DemoFactory) -> None:
    with Receiver() as receiver:
        client = Client(demo_factory("--allow-private-urls", "127.0.0.0/8", step_ms=50).url)
        task_id = client.submit(image_seed=LARGE, webhook_url=receiver.url)["task_id"]
        with client.get(f"/tasks/{task_id}/events", stream=True) as stream:
            told = {event.name: event.data for event in events(stream)}
        assert told["image"]["image"]["seed_text"] == str(LARGE)
        assert told["finished"]["images"][0]["seed_text"] == str(LARGE)
        assert receiver.next().record["images"][0]["seed_text"] == str(LARGE)


def test_a_click_keeps_the_seeds_of_the_webui(demo_factory: DemoFactory, browser: Browser) -> None:
    client = Client(demo_factory().url)
    browser.open(client.url).quick().generate("clicked")
    assert browser.images()
    (record,) = client.tasks(query="history", source="webui")["history"]
    assert seeds(record) == [int(record["req_params"]["image_seed"])]
