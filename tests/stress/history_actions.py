"""Actions of a user of a soak on the history: search, counts, tags, bulk actions, archives, thumbnails, repetitions.

A violation raises AssertionError.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests

from ..support.client import ENDED, Record, picture
from .control_actions import heard
from .generate_actions import given, new_fields
from .simulated_user import SimulatedUser

BULK_OUTCOMES = ("cancelled", "stopping", "deleted", "moved", "tagged")
FILTERS: tuple[dict[str, Any], ...] = (
    {"prompt": "soak"},
    {"prompt": "a soak b"},
    {"status": "finished"},
    {"tag": "star"},
    {"sort": "finished"},
    {"model": "demo"},
    {},
)


def gallery(user: SimulatedUser) -> None:
    """Look into the history as the dashboard does: cards, days, facets, the queue, nodes, batches and statistics."""
    user.ledger.count("gallery")
    chosen = user.chance.choice(FILTERS)
    cards = user.client.get("/tasks", params={**chosen, "view": "card", "query": "history", "page_size": 50})
    if user.ledger.answered(cards, 200):
        heard(user, cards.json()["history"])
    for path in ("/tasks/days", "/tasks/facets"):
        response = user.client.get(path, params={name: value for name, value in chosen.items() if name != "sort"})
        user.ledger.answered(response, 200)
    user.ledger.answered(user.client.get(user.chance.choice(("/v1/queue", "/v1/nodes", "/v1/batches"))), 200)
    user.ledger.answered(user.client.get("/v1/stats"), 200 if user.owner == "admin" else 403)


def tags(user: SimulatedUser) -> None:
    """Tag one of the user's tasks."""
    if not user.mine:
        return
    user.ledger.count("tags")
    task_id = user.chance.choice(user.mine)
    wanted = [user.chance.choice(("star", "shop", "soak"))]
    with user.ledger.given[task_id].lock:
        gone = (404,) if "delete" in user.ledger.given[task_id].asked else ()
        response = user.client.request("PUT", f"/tasks/{task_id}/tags", json={"tags": wanted})
        if user.ledger.answered(response, 200, *gone) and response.status_code == 200:
            found = user.client.get(f"/tasks/{task_id}")
            if user.ledger.answered(found, 200, *gone) and found.status_code == 200:
                assert found.json()["tags"] == wanted, found.text


def bulk(user: SimulatedUser) -> None:
    """Do one thing to all of the user's newest tasks."""
    if not user.mine:
        return
    action = user.chance.choice(("cancel", "delete", "front", "tag", "tag"))
    user.ledger.count(f"bulk {action}")
    with contextlib.ExitStack() as locks:
        for task_id in sorted(set(user.mine)):
            locks.enter_context(user.ledger.given[task_id].lock)
        for task_id in user.mine:
            user.ledger.ask(task_id, {"cancel": "stop", "delete": "delete"}.get(action, action))
        extra = {"tags": ["star"], "remove_tags": ["shop"]} if action == "tag" else {}
        response = user.client.post("/tasks/bulk", json={"ids": user.mine, "action": action, **extra})
        if not user.ledger.answered(response, 200):
            return
        results = response.json()["results"]
        assert sorted(one["task_id"] for one in results) == sorted(set(user.mine)), response.text
        for one in results:
            if one["ok"]:
                assert one["outcome"] in BULK_OUTCOMES, one
                user.ledger.given[one["task_id"]].deleted |= one["outcome"] == "deleted"


@contextlib.contextmanager
def _ended(user: SimulatedUser) -> Iterator[Record | None]:
    """Yield one of the user's tasks that has ended with images, with its lock held, or None."""
    for task_id in user.chance.sample(user.mine, len(user.mine)):
        given = user.ledger.given[task_id]
        with given.lock:
            if given.deleted or "delete" in given.asked:
                continue
            response = user.client.get(f"/tasks/{task_id}")
            if not user.ledger.answered(response, 200):
                continue
            record = response.json()
            if record["task_status"] in ENDED and record["result"]:
                yield record
                return
    yield None


def images(user: SimulatedUser) -> None:
    """View an image by its signed URL, converted, small, and embedded in an archive; read its parameters."""
    with _ended(user) as record:
        if record is None:
            return
        user.ledger.count("images")
        url = user.chance.choice(record["result"])
        with user.stranger.get(url) as response:  # a signed URL needs no key
            if not user.ledger.answered(response, 200):
                return
            content = response.content
        assert picture(content).width, url
        wide = {"width": user.chance.choice((64, 128, 256))}
        small = user.stranger.get(url, params=wide, headers={"Accept": "image/webp"})
        if user.ledger.answered(small, 200):
            assert picture(small.content).format == "WEBP"
        square = user.client.get(url, params={"size": "96x96"})
        if user.ledger.answered(square, 200):
            assert picture(square.content).size == (96, 96)
        read = user.client.post("/v1/tools/read-metadata", files={"image": ("a", content)})
        if user.ledger.answered(read, 200):
            assert record["req_params"]["prompt"] in read.text, read.text[:1000]
        archive(user, record)


def archive(user: SimulatedUser, record: Record) -> None:
    """Download the images of a task in one file."""
    response = user.client.post("/v1/archive", json={"task_ids": [record["task_id"]], "images": record["result"][:1]})
    if user.ledger.answered(response, 200):
        with zipfile.ZipFile(io.BytesIO(response.content)) as found:
            assert found.testzip() is None
            assert sorted(found.namelist()) == sorted(
                {urlsplit(url).path.rpartition("/")[2] for url in record["result"]}
            ), (found.namelist(), record)


def repeat(user: SimulatedUser) -> None:
    """Generate an ended task again with another prompt, asynchronously."""
    fields = {name: value for name, value in new_fields(user).items() if name not in ("uov_input_image", "uov_method")}
    with _ended(user) as record:
        if record is None:
            return
        user.ledger.count("repeat")
        if "uov_method" in user.ledger.given[record["task_id"]].fields or record["req_params"].get("uov_input_image"):
            fields["uov_method"] = record["req_params"]["uov_method"]
        body = {**fields, "overwrite_height": 256, "async_process": True}
        response: requests.Response = user.client.post(
            f"/tasks/{record['task_id']}/repeat", json=body, headers={"Idempotency-Key": fields["prompt"]}, stream=True
        )
        with response:
            given(user, response, fields, 200)
