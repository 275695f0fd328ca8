"""Actions of a guest of a soak other than submitting: stop, move, delete, listen and look, even without permission.

A violation raises AssertionError.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import Any

import requests

from ..tests.support.client import events
from ._guest import Guest

LOOKS = ("/v1/info", "/v1/engines/all-models", "/v1/engines/styles", "/v1/engines/presets", "/v1/openapi.json", "/docs")


def control(guest: Guest) -> None:
    """Control one of the guest's newest tasks."""
    if not guest.mine:
        return
    task_id = guest.chance.choice(guest.mine)
    what = guest.chance.choice(("stop", "skip", "move-to-front", "delete"))
    given = guest.ledger.given[task_id]
    with given.lock:
        guest.ledger.count(what)
        before = "delete" in given.asked
        guest.ledger.ask(task_id, what)
        if what != "delete":
            response = guest.client.post(f"/tasks/{task_id}/{what}")
        else:
            response = guest.client.request("DELETE", f"/tasks/{task_id}")
            given.deleted |= response.status_code == 204
        guest.ledger.answered(response, 200, 204, 409, *((404,) if before else ()))


def control_running(guest: Guest) -> None:
    """Control the running task of any owner, or a pending one from the list."""
    how = guest.chance.choice(("stop", "skip", "cancel"))
    guest.ledger.count(f"{how} any")
    if how != "cancel":
        response = guest.client.control(how)
        if guest.ledger.answered(response, 200) and (task_id := response.json()["task_id"]) is not None:
            guest.ledger.ask(task_id, how)
        return
    response = guest.client.get("/tasks", params={"query": "pending"})
    if guest.ledger.answered(response, 200) and (waiting := response.json()["pending"]):
        task_id = guest.chance.choice(waiting)["task_id"]
        guest.ledger.ask(task_id, "stop")
        guest.ledger.answered(guest.client.post(f"/tasks/{task_id}/stop"), 200, 404, 409)


def follow(guest: Guest) -> None:
    """Follow one of the guest's newest tasks, to its end or not."""
    if not guest.mine:
        return
    guest.ledger.count("follow")
    task_id = guest.chance.choice(guest.mine)
    leaves_after = guest.chance.choice((1, 3, None))
    with guest.client.get(f"/tasks/{task_id}/events", stream=True) as response:
        gone = (404,) if "delete" in guest.ledger.given[task_id].asked else ()
        if not guest.ledger.answered(response, 200, *gone) or response.status_code == 404:
            return
        told = list(itertools.islice(events(response), leaves_after))
    assert {event.data["task_id"] for event in told if event.name != "dropped"} <= {task_id}
    assert leaves_after or told[-1].name in ("finished", "failed", "stopped"), told[-1]


def listen(guest: Guest) -> None:
    """Listen to all events for a while, and disconnect in the middle."""
    guest.ledger.count("listen")
    end = time.monotonic() + guest.chance.uniform(0, 8)
    previews = guest.chance.choice(("true", "false"))
    with (
        contextlib.suppress(requests.Timeout, requests.ConnectionError),
        guest.client.get("/v1/events", params={"previews": previews}, stream=True, timeout=(60, 2)) as response,
    ):
        if guest.ledger.answered(response, 200):
            for event in events(response):
                heard(guest, [event.data] if event.name != "dropped" else [])
                if time.monotonic() > end:
                    break


def lists(guest: Guest) -> None:
    """Request a page with a random filter."""
    guest.ledger.count("list")
    chance = guest.chance
    query: dict[str, Any] = {"page": chance.choice((0, 0, 1, 5)), "page_size": chance.choice((1, 10, 100))}
    query |= chance.choice(({}, {"status": "finished"}, {"prompt": "soak a"}, {"sort": "oldest"}))
    query |= chance.choice(({}, {"query": "history"}, {"query": "pending"}))
    response = guest.client.get("/tasks", params=query)
    if guest.ledger.answered(response, 200):
        for records in response.json().values():
            assert len(records) <= query["page_size"]
            heard(guest, records)


def heard(guest: Guest, told: list[dict[str, Any]]) -> None:
    """Check that a restricted key receives only records and events of its own tasks."""
    for item in told:
        assert guest.owner == "boss" or item["source"] == guest.owner, f"{guest.owner} is shown {item}"
        guest.ledger.overheard.setdefault(item["task_id"], item["source"])


def look(guest: Guest) -> None:
    """Request read-only pages."""
    guest.ledger.count("look")
    guest.ledger.answered(guest.client.get(guest.chance.choice(LOOKS)), 200)
    guest.ledger.answered(guest.client.get("/metrics"), 200 if guest.owner == "boss" else 403)
    response = guest.client.get("/healthz")
    unwell = response.status_code == 503 and guest.ledger.outages.excuse() and not response.json()["database_writable"]
    assert response.status_code == 200 or unwell, response.text


def pry(guest: Guest) -> None:
    """Check that a request without a key gets nothing, and a restricted key nothing of other owners."""
    guest.ledger.count("pry")
    path = guest.chance.choice(("/tasks", "/v1/info", "/v1/events", "/v1/engine/control?action=stop"))
    assert guest.stranger.get(path).status_code == 401
    others = [(task_id, given) for task_id, given in list(guest.ledger.given.items()) if given.owner != guest.owner]
    if guest.owner == "boss" or not others:
        return
    task_id, given = guest.chance.choice(others)
    method, tail = guest.chance.choice(
        (("GET", ""), ("GET", "/events"), ("GET", "/webhooks"), ("POST", "/stop"), ("DELETE", ""))
    )
    guest.ledger.answered(guest.client.request(method, f"/tasks/{task_id}{tail}"), 404)
    if given.record is None or "save_name" in given.fields:
        return  # not audited yet; or, once deleted, another task's images may have its names by now
    for url in given.record["result"]:
        assert guest.stranger.get(url.partition("?")[0]).status_code == 401
        guest.ledger.answered(guest.client.get(url.partition("?")[0]), 404)
