"""Streams of the Model Context Protocol: progress that grows, signs of life, and calls that the client ends."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fooocus_api.tests.support.client import Client, Record
from fooocus_api.tests.support.compat.mcp import McpClient, messages, text_of
from fooocus_api.tests.support.host import Host, demo_host

SLOW = {"prompt": "a slow cat", "performance": "Speed"}
"""A call that takes seconds on this module's host."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=40) as running:
        yield running


@pytest.fixture(scope="module")
def api(host: Host) -> Client:
    return Client(host.url)


def begun(api: Client) -> Record:
    """Wait until a task runs, and return its record."""
    for _ in range(400):
        if running := api.get("/tasks", params={"query": "current", "previews": "false"}).json()["current"]:
            return dict(running[0])
        time.sleep(0.05)
    raise AssertionError("no task runs")


def call(client: McpClient, arguments: dict[str, Any], **more: Any) -> requests.Response:
    params = {"name": "generate_image", "arguments": arguments, **more}
    return client.request("tools/call", params, stream=True)


@pytest.mark.parametrize(("modern", "token"), [(False, "abc"), (True, 0)], ids=["legacy", "modern"])
def test_progress_only_grows_over_all_images(host: Host, modern: bool, token: str | int) -> None:
    client = McpClient(host.url, modern=modern)
    response = call(client, {**SLOW, "count": 2}, _meta={"progressToken": token})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    *notes, last = messages(response)
    assert last["result"]["isError"] is False
    assert all(note["method"] == "notifications/progress" and "id" not in note for note in notes)
    params = [note["params"] for note in notes]
    assert len(params) >= 3 and all(one["progressToken"] == token and one["message"] for one in params)
    values = [one["progress"] for one in params]
    assert all(before < after for before, after in itertools.pairwise(values)), values
    assert all(one["progress"] < one["total"] for one in params if "total" in one)
    assert {one["total"] for one in params if "total" in one} == {60}


def test_without_a_token_there_is_no_progress(host: Host) -> None:
    assert len(messages(call(McpClient(host.url), SLOW))) == 1


def test_a_waiting_call_says_how_many_are_before_it(host: Host, api: Client) -> None:
    first = call(McpClient(host.url), SLOW)
    begun(api)
    notes = messages(call(McpClient(host.url), SLOW, _meta={"progressToken": 1}))[:-1]
    waiting = [note["params"] for note in notes if note["params"]["message"].startswith("waiting")]
    assert waiting and waiting[0]["progress"] == 0 and "1 before it" in waiting[0]["message"]
    first.close()


@pytest.mark.nightly
def test_a_call_that_waits_long_shows_signs_of_life(host: Host, api: Client) -> None:
    """Let two calls wait for half a minute: proxies and clients give up what is silent for a minute."""
    before = api.submit(overwrite_step=200, image_number=4)
    api.until(before["task_id"], "running")
    silent = call(McpClient(host.url), SLOW)
    reported = call(McpClient(host.url), SLOW, _meta={"progressToken": "t"})
    lines = [line for line in silent.content.decode().splitlines() if line]
    assert lines[0] == ": ping" and lines[-1].startswith("data: "), lines
    params = [note["params"] for note in messages(reported)[:-1]]
    waiting = [one["progress"] for one in params if one["message"].startswith("waiting")]
    assert len(waiting) >= 3, params  # the beginning, and each ten seconds without a change
    assert all(before < after for before, after in itertools.pairwise([one["progress"] for one in params])), params


def test_a_notification_cancels_the_call_of_its_session(host: Host, api: Client) -> None:
    one, other = McpClient(host.url, session="a"), McpClient(host.url, session="b")
    response = call(one, {**SLOW, "count": 4})
    task = begun(api)
    for client, request_id in ((other, 0), (McpClient(host.url), 0), (one, "0")):  # 0 is the first id of each client
        assert client.send(cancelling(request_id), headers=client.headers()).status_code == 202
        time.sleep(0.3)
        assert api.task(task["task_id"])["task_status"] == "running"
    one.send(cancelling(0), headers=one.headers())
    assert messages_or_none(response) == []  # a cancelled call has no response
    assert api.ended(task["task_id"])["task_status"] == "stopped"


def cancelling(request_id: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}


def messages_or_none(response: requests.Response) -> list[dict[str, Any]]:
    return messages(response) if response.content else []


def test_of_two_calls_without_a_session_none_is_cancelled_by_mistake(host: Host, api: Client) -> None:
    first, second = call(McpClient(host.url), SLOW), call(McpClient(host.url), SLOW)
    begun(api)
    assert McpClient(host.url).send(cancelling(0)).status_code == 202
    assert all(messages(response)[-1]["result"]["isError"] is False for response in (first, second))


def test_a_notification_without_a_session_cancels_no_modern_call(host: Host, api: Client) -> None:
    response = call(McpClient(host.url, modern=True), SLOW)
    begun(api)
    assert McpClient(host.url).send(cancelling(0)).status_code == 202
    assert messages(response)[-1]["result"]["isError"] is False


def test_a_closed_response_stops_a_modern_call(host: Host, api: Client) -> None:
    response = call(McpClient(host.url, modern=True), SLOW)
    task = begun(api)
    response.close()
    assert api.ended(task["task_id"])["task_status"] == "stopped"


def test_a_closed_response_of_json_stops_a_modern_call(host: Host, api: Client) -> None:
    client = McpClient(host.url, modern=True, accept="application/json")
    with pytest.raises(requests.Timeout):
        client.send(
            client.message("tools/call", {"name": "generate_image", "arguments": SLOW}),
            headers=client.headers("tools/call", {"name": "generate_image"}),
            timeout=0.7,
        )
    lists = api.get("/tasks", params={"page_size": 1}).json()
    newest = [*lists["pending"], *lists["current"], *lists["history"]][0]
    assert api.ended(newest["task_id"])["task_status"] == "stopped"


def test_a_task_that_another_waits_for_continues(host: Host, api: Client) -> None:
    response = call(McpClient(host.url, modern=True), SLOW)
    task = begun(api)
    with api.get(f"/tasks/{task['task_id']}/events", stream=True) as events:
        lines = events.iter_lines()  # kept, as its end would close the stream
        next(lines)
        response.close()
        assert api.ended(task["task_id"])["task_status"] == "finished"


def test_a_lost_connection_of_a_legacy_call_loses_nothing(host: Host, api: Client) -> None:
    response = call(McpClient(host.url), SLOW)
    task = begun(api)
    response.close()
    assert api.ended(task["task_id"])["task_status"] == "finished"
    found = McpClient(host.url).call("get_task", task_id=task["task_id"])
    assert found["content"][0]["type"] == "image"


def test_a_task_is_looked_at_and_stopped_by_tools(host: Host, api: Client) -> None:
    response = call(McpClient(host.url), SLOW)
    task = begun(api)
    client = McpClient(host.url)
    assert "Status: running" in text_of(client.call("get_task", task_id=task["task_id"]))
    assert task["task_id"] in text_of(client.call("stop_task", task_id=task["task_id"]))
    result = messages(response)[-1]["result"]
    assert result["isError"] is True and "stopped" in text_of(result) and task["task_id"] in text_of(result)


def test_many_calls_at_once_each_get_their_own(host: Host) -> None:
    client, found = McpClient(host.url), {}

    def generate(seed: int) -> None:
        found[seed] = client.call("generate_image", prompt=f"cat {seed}", performance="Lightning", seed=seed)

    threads = [threading.Thread(target=generate, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"seed {seed}" in text_of(result) for seed, result in found.items()) and len(found) == 6
