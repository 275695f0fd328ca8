"""Order of the queue, over HTTP: fair turns, priority, loaded models, the front; first come, first served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fooocus_api.tests.support.client import Client

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

KEYS = ("--apikey", "first", "--apikey", "second")
LONG = {"prompt": "runs", "overwrite_step": 40}
"""Long enough for other tasks to queue behind it."""


def busy(client: Client) -> str:
    """Return the id of a running task that makes all later ones wait."""
    task_id = str(client.submit(**LONG)["task_id"])
    client.until(task_id, "running")
    return task_id


def started(client: Client, ids: list[str]) -> list[str]:
    """Wait for the tasks and return their prompts in the order in which they were started."""
    records = [client.ended(task_id) for task_id in ids]
    assert {record["task_status"] for record in records} == {"finished"}
    return [record["req_params"]["prompt"] for record in sorted(records, key=lambda record: record["start_mills"])]


def ask(client: Client, prompt: str, **fields: Any) -> str:
    return str(client.submit(prompt=prompt, **fields)["task_id"])


def test_a_click_does_not_wait_for_the_flood_of_a_key(demo_factory: DemoFactory, browser: Browser) -> None:
    host = demo_factory("--apikey", "flood", step_ms=50)
    client = Client(host.url, "flood")
    browser.open(host.url).quick(steps=1)
    flood = [ask(client, f"flood {number}", overwrite_step=20) for number in range(120)]
    client.until(flood[0], "running", "finished")
    browser.generate("clicked")
    assert len(browser.images()) == 1
    history = client.tasks(query="history", page_size=100)["history"]
    (click,) = [record for record in history if record["source"] == "webui"]
    between = [
        record["req_params"]["prompt"]
        for record in history
        if click["in_queue_mills"] < record["start_mills"] < click["start_mills"]
    ]
    assert click["task_status"] == "finished" and not between
    assert client.get("/v1/info").json()["tasks"]["pending"] > 20, "the flood was still to come"


def test_two_keys_take_turns(demo_factory: DemoFactory) -> None:
    host = demo_factory(*KEYS, step_ms=50)
    first, second = Client(host.url, "first"), Client(host.url, "second")
    busy(first)
    ids = [ask(first, f"a{number}") for number in range(4)] + [ask(second, f"b{number}") for number in range(2)]
    assert started(first, ids) == ["b0", "a0", "b1", "a1", "a2", "a3"]


def test_a_higher_priority_goes_first(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory(step_ms=50).url)
    busy(client)
    ids = [ask(client, "low", priority=-1), ask(client, "normal"), ask(client, "high", priority=5)]
    assert [client.task(task_id)["queue_position"] for task_id in ids] == [2, 1, 0]
    assert started(client, ids) == ["high", "normal", "low"]


def test_what_is_loaded_goes_first_within_bounds(demo_factory: DemoFactory) -> None:
    client = Client(demo_factory("--max-overtakes", "2", step_ms=50).url)
    here, there = client.get("/v1/engines/all-models").json()["model_filenames"][:2]
    client.ended(client.submit(base_model_name=here)["task_id"])
    client.until(ask(client, "runs", overwrite_step=40, base_model_name=here), "running")
    ids = [
        ask(client, f"{word}{number}", base_model_name=name)
        for number in range(4)
        for word, name in (("there ", there), ("here ", here))
    ]
    order = ["here 0", "here 1", "there 0", "there 1", "there 2", "there 3", "here 2", "here 3"]
    assert started(client, ids) == order


def test_what_was_moved_to_the_front_is_there_after_a_restart(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=50)
    client = Client(host.url)
    busy(client)
    ids = [ask(client, "first"), ask(client, "second"), ask(client, "urgent", priority=9)]
    assert client.post(f"/tasks/{ids[1]}/move-to-front").status_code == 200
    host.stop()
    host.start()
    assert started(client, ids) == ["second", "urgent", "first"]


def test_first_come_first_served(demo_factory: DemoFactory) -> None:
    host = demo_factory("--schedule", "fifo", *KEYS, step_ms=50)
    first, second = Client(host.url, "first"), Client(host.url, "second")
    here, there = first.get("/v1/engines/all-models").json()["model_filenames"][:2]
    busy(first)
    ids = [ask(first, f"a{number}", base_model_name=(here, there)[number % 2]) for number in range(4)]
    ids += [ask(second, "b0", priority=5)]
    assert started(first, ids) == ["a0", "a1", "a2", "a3", "b0"]
