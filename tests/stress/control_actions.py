"""Actions of a user of a soak other than submitting: stop, move, delete, listen and look, even without permission.

A violation raises AssertionError.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import Any

import requests

from ..support.client import events
from .simulated_user import SimulatedUser

READ_ONLY_PATHS = (
    "/v1/info",
    "/v1/engines/all-models",
    "/v1/engines/styles",
    "/v1/engines/presets",
    "/v1/openapi.json",
    "/docs",
)


def control(user: SimulatedUser) -> None:
    """Control one of the user's newest tasks."""
    if not user.mine:
        return
    task_id = user.chance.choice(user.mine)
    what = user.chance.choice(("stop", "skip", "move-to-front", "delete"))
    given = user.ledger.given[task_id]
    with given.lock:
        user.ledger.count(what)
        before = "delete" in given.asked
        user.ledger.ask(task_id, what)
        if what != "delete":
            response = user.client.post(f"/tasks/{task_id}/{what}")
        else:
            response = user.client.request("DELETE", f"/tasks/{task_id}")
            given.deleted |= response.status_code == 204
        user.ledger.answered(response, 200, 204, 409, *((404,) if before else ()))


def control_running(user: SimulatedUser) -> None:
    """Control the running task of any owner, or a pending one from the list."""
    how = user.chance.choice(("stop", "skip", "cancel"))
    user.ledger.count(f"{how} any")
    if how != "cancel":
        response = user.client.control(how)
        if user.ledger.answered(response, 200) and (task_id := response.json()["task_id"]) is not None:
            user.ledger.ask(task_id, how)
        return
    response = user.client.get("/tasks", params={"query": "pending"})
    if user.ledger.answered(response, 200) and (waiting := response.json()["pending"]):
        task_id = user.chance.choice(waiting)["task_id"]
        user.ledger.ask(task_id, "stop")
        user.ledger.answered(user.client.post(f"/tasks/{task_id}/stop"), 200, 404, 409)


def follow(user: SimulatedUser) -> None:
    """Follow one of the user's newest tasks, to its end or not."""
    if not user.mine:
        return
    user.ledger.count("follow")
    task_id = user.chance.choice(user.mine)
    leaves_after = user.chance.choice((1, 3, None))
    with user.client.get(f"/tasks/{task_id}/events", stream=True) as response:
        gone = (404,) if "delete" in user.ledger.given[task_id].asked else ()
        if not user.ledger.answered(response, 200, *gone) or response.status_code == 404:
            return
        told = list(itertools.islice(events(response), leaves_after))
    assert {event.data["task_id"] for event in told if event.name != "dropped"} <= {task_id}
    assert leaves_after or told[-1].name in ("finished", "failed", "stopped"), told[-1]


def listen(user: SimulatedUser) -> None:
    """Listen to all events for a while, and disconnect in the middle."""
    user.ledger.count("listen")
    end = time.monotonic() + user.chance.uniform(0, 8)
    previews = user.chance.choice(("true", "false"))
    with (
        contextlib.suppress(requests.Timeout, requests.ConnectionError),
        user.client.get("/v1/events", params={"previews": previews}, stream=True, timeout=(60, 2)) as response,
    ):
        if user.ledger.answered(response, 200):
            for event in events(response):
                heard(user, [event.data] if event.name != "dropped" else [])
                if time.monotonic() > end:
                    break


def lists(user: SimulatedUser) -> None:
    """Request a page with a random filter."""
    user.ledger.count("list")
    chance = user.chance
    query: dict[str, Any] = {"page": chance.choice((0, 0, 1, 5)), "page_size": chance.choice((1, 10, 100))}
    query |= chance.choice(({}, {"status": "finished"}, {"prompt": "soak a"}, {"sort": "oldest"}))
    query |= chance.choice(({}, {"query": "history"}, {"query": "pending"}))
    response = user.client.get("/tasks", params=query)
    if user.ledger.answered(response, 200):
        for name, records in response.json().items():
            assert name == "current" or len(records) <= query["page_size"], f"{len(records)} of {name} for {query}"
            heard(user, records)


def heard(user: SimulatedUser, told: list[dict[str, Any]]) -> None:
    """Check that a restricted key receives only records and events of its own tasks."""
    for item in told:
        assert user.owner == "admin" or item["source"] == user.owner, f"{user.owner} is shown {item}"
        user.ledger.overheard.setdefault(item["task_id"], item["source"])


def look(user: SimulatedUser) -> None:
    """Request read-only pages."""
    user.ledger.count("look")
    user.ledger.answered(user.client.get(user.chance.choice(READ_ONLY_PATHS)), 200)
    user.ledger.answered(user.client.get("/metrics"), 200 if user.owner == "admin" else 403)
    response = user.client.get("/healthz")
    unwell = response.status_code == 503 and user.ledger.outages.excuse() and not response.json()["database_writable"]
    assert response.status_code == 200 or unwell, response.text


def read_without_permission(user: SimulatedUser) -> None:
    """Check that a request without a key gets nothing, and a restricted key nothing of other owners."""
    user.ledger.count("pry")
    path = user.chance.choice(("/tasks", "/v1/info", "/v1/events", "/v1/engine/control?action=stop"))
    assert user.stranger.get(path).status_code == 401
    others = [(task_id, given) for task_id, given in list(user.ledger.given.items()) if given.owner != user.owner]
    if user.owner == "admin" or not others:
        return
    task_id, given = user.chance.choice(others)
    method, tail = user.chance.choice(
        (("GET", ""), ("GET", "/events"), ("GET", "/webhooks"), ("POST", "/stop"), ("DELETE", ""))
    )
    user.ledger.answered(user.client.request(method, f"/tasks/{task_id}{tail}"), 404)
    if given.record is None or "save_name" in given.fields:
        return  # not audited yet; or, once deleted, another task's images may have its names by now
    for url in given.record["result"]:
        assert user.stranger.get(url.partition("?")[0]).status_code == 401
        user.ledger.answered(user.client.get(url.partition("?")[0]), 404)
