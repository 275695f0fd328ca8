"""All ways in which a user of the soak benchmark requests images. A violation raises AssertionError."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import Any

import requests

from ..support.client import QUICK, events, picture
from .invariants import in_base64, new_picture
from .simulated_user import SimulatedUser

GENERATE = "/v1/engine/generate"
ENDS = (200, 409, 500)
"""Statuses of a synchronous request: finished, stopped before the first image, failed."""


def new_fields(user: SimulatedUser) -> dict[str, Any]:
    """Return the fields of a unique request: no other has its prompt. Some have an image, some a webhook."""
    chance = user.chance
    fields: dict[str, Any] = {
        "prompt": f"soak {chance.getrandbits(64):x}",
        "image_number": chance.choice((1, 1, 1, 2, 3)),
        "overwrite_step": chance.choice((1, 2, 3, 4, 5, 6, 12, 40)),
        "overwrite_width": chance.choice((256, 320)),
        "output_format": chance.choice(("png", "jpeg", "webp")),
        "priority": chance.choice((0, 0, 0, -3, 3)),
    }
    if chance.random() < 0.1:
        fields["save_name"] = chance.choice(("mine", "yours"))
    if chance.random() < 0.1:
        fields["require_base64"] = True
    if chance.random() < 0.1:
        content = new_picture(chance)
        sent = user.sent(content) if chance.random() < 0.5 else None
        fields |= {"uov_input_image": sent or in_base64(content), "uov_method": "Vary (Subtle)"}
    if chance.random() < 0.4:
        fields["webhook_url"] = user.receiver.url
        if chance.random() < 0.2:
            user.receiver.answers.append(chance.choice((500, 503, (429, "Retry-After", "1"))))
    return fields


def post(
    user: SimulatedUser, fields: dict[str, Any], headers: dict[str, str], patience: float = 600
) -> requests.Response:
    """Send the request, and return the response before its body is read."""
    body = {**QUICK, **fields}
    return user.client.post(GENERATE, json=body, headers=headers, stream=True, timeout=patience)


def given(user: SimulatedUser, response: requests.Response, fields: dict[str, Any], *expected: int) -> str | None:
    """Read the whole response and return its task id; None if the request was refused."""
    if not user.ledger.answered(response, *expected):
        user.refuse(fields, response)
        return None
    response.content  # noqa: B018  # reads it, regardless of the time
    task_id = response.headers["X-Task-Id"]
    user.note(task_id, fields)
    return task_id


def generate(user: SimulatedUser) -> None:
    """Generate one or more images, in a random mode."""
    ways = (sync, async_, prefer_wait, prefer_async, stream, binary)
    (way,) = user.chance.choices(ways, (2, 3, 1, 1, 2, 1))
    user.ledger.count(way.__name__.rstrip("_"))
    way(user, new_fields(user))


def sync(user: SimulatedUser, fields: dict[str, Any]) -> None:
    with post(user, fields, {}) as response:
        task_id = given(user, response, fields, 200, 500)
        assert task_id is None or response.status_code == 500 or response.json()["task_id"] == task_id


def async_(user: SimulatedUser, fields: dict[str, Any]) -> None:
    fields["async_process"] = True
    with post(user, fields, {}) as response:
        if given(user, response, fields, 200):
            assert response.json()["req_params"]["prompt"] == fields["prompt"]


def prefer_wait(user: SimulatedUser, fields: dict[str, Any]) -> None:
    with post(user, fields, {"Prefer": "wait=1"}) as response:
        given(user, response, fields, 200, 202, 500)


def prefer_async(user: SimulatedUser, fields: dict[str, Any]) -> None:
    with post(user, fields, {"Prefer": "respond-async"}) as response:
        given(user, response, fields, 202)


def binary(user: SimulatedUser, fields: dict[str, Any]) -> None:
    fields["image_number"] = 1
    with post(user, fields, {"Accept": "image/png"}) as response:
        if given(user, response, fields, *ENDS) and response.status_code == 200:
            assert picture(response.content).format == "PNG"


def stream(user: SimulatedUser, fields: dict[str, Any]) -> None:
    fields["stream_output"] = True
    leaves_after = user.chance.choice((1, 2, None))
    with post(user, fields, {}) as response:
        if not user.ledger.answered(response, 200):
            user.refuse(fields, response)
            return
        user.note(response.headers["X-Task-Id"], fields)
        if leaves_after:
            user.ledger.count("streams left")
        seen = list(itertools.islice(events(response), leaves_after))
        last = seen[-1]
        if leaves_after is None:
            assert last.name == "error" or last.data["message"] in ("Finished", "Stopped"), last


def repeated(user: SimulatedUser) -> None:
    """Send the same request twice and expect one task; expect a refusal of another request with its idempotency key."""
    fields = {**new_fields(user), "async_process": True}
    headers = {"Idempotency-Key": fields["prompt"]}
    user.ledger.count("repeated")
    with post(user, fields, headers) as response:
        task_id = given(user, response, fields, 200)
    if task_id is None:
        return
    with post(user, fields, headers) as response:
        if user.ledger.answered(response, 200):
            assert response.headers["X-Task-Id"] == task_id and response.headers["Idempotency-Replayed"] == "true"
    with post(user, {**fields, "sharpness": 3.5}, headers) as response:
        user.ledger.answered(response, 422)


def left(user: SimulatedUser) -> None:
    """Disconnect before the response, then repeat the request with its idempotency key."""
    fields = new_fields(user)
    headers = {"Idempotency-Key": fields["prompt"]}
    user.ledger.count("left")
    with contextlib.suppress(requests.Timeout, requests.ConnectionError):
        post(user, fields, headers, patience=user.chance.uniform(0.05, 0.4)).close()
    while True:
        with post(user, fields, headers) as response:
            if user.ledger.answered(response, 200, 500):
                response.content  # noqa: B018
                return user.note(response.headers["X-Task-Id"], fields)
        time.sleep(1)


def upload(user: SimulatedUser) -> None:
    """Upload an image and expect it to be served unchanged."""
    user.ledger.count("upload")
    content = new_picture(user.chance)
    if (url := user.sent(content)) is not None:
        response = user.stranger.get(url)  # a signed URL needs no key
        assert response.status_code == 200 and response.content == content, response.status_code
