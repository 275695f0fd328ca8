"""All ways in which a guest of a soak asks for images. What is wrong raises AssertionError."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import Any

import requests

from ..tests.client import QUICK, events, picture
from ._guest import Guest
from ._reckoning import in_base64, new_picture

GENERATE = "/v1/engine/generate"
ENDS = (200, 409, 500)
"""What a task may come to that somebody waits for: done, stopped before there was an image, failed."""


def new_fields(guest: Guest) -> dict[str, Any]:
    """A request like no other: its prompt comes once. Some bring an image, some name a webhook."""
    chance = guest.chance
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
        sent = guest.sent(content) if chance.random() < 0.5 else None
        fields |= {"uov_input_image": sent or in_base64(content), "uov_method": "Vary (Subtle)"}
    if chance.random() < 0.4:
        fields["webhook_url"] = guest.receiver.url
        if chance.random() < 0.2:
            guest.receiver.answers.append(chance.choice((500, 503, (429, "Retry-After", "1"))))
    return fields


def post(guest: Guest, fields: dict[str, Any], headers: dict[str, str], patience: float = 600) -> requests.Response:
    """The request, whose answer is read as it comes."""
    body = {**QUICK, **fields}
    return guest.client.post(GENERATE, json=body, headers=headers, stream=True, timeout=patience)


def given(guest: Guest, response: requests.Response, fields: dict[str, Any], *expected: int) -> str | None:
    """The id that came with an answer, once all of it is read; None when the request was refused."""
    if not guest.ledger.answered(response, *expected):
        guest.ledger.refused.add(fields["prompt"])
        return None
    response.content  # noqa: B018  # however long it takes
    task_id = response.headers["X-Task-Id"]
    guest.note(task_id, fields)
    return task_id


def generate(guest: Guest) -> None:
    """One image or more, in one of all modes."""
    ways = (sync, async_, prefer_wait, prefer_async, stream, binary)
    (way,) = guest.chance.choices(ways, (2, 3, 1, 1, 2, 1))
    guest.ledger.count(way.__name__.rstrip("_"))
    way(guest, new_fields(guest))


def sync(guest: Guest, fields: dict[str, Any]) -> None:
    with post(guest, fields, {}) as response:
        task_id = given(guest, response, fields, 200, 500)
        assert task_id is None or response.status_code == 500 or response.json()["task_id"] == task_id


def async_(guest: Guest, fields: dict[str, Any]) -> None:
    fields["async_process"] = True
    with post(guest, fields, {}) as response:
        if given(guest, response, fields, 200):
            assert response.json()["req_params"]["prompt"] == fields["prompt"]


def prefer_wait(guest: Guest, fields: dict[str, Any]) -> None:
    with post(guest, fields, {"Prefer": "wait=1"}) as response:
        given(guest, response, fields, 200, 202, 500)


def prefer_async(guest: Guest, fields: dict[str, Any]) -> None:
    with post(guest, fields, {"Prefer": "respond-async"}) as response:
        given(guest, response, fields, 202)


def binary(guest: Guest, fields: dict[str, Any]) -> None:
    fields["image_number"] = 1
    with post(guest, fields, {"Accept": "image/png"}) as response:
        if given(guest, response, fields, *ENDS) and response.status_code == 200:
            assert picture(response.content).format == "PNG"


def stream(guest: Guest, fields: dict[str, Any]) -> None:
    fields["stream_output"] = True
    leaves_after = guest.chance.choice((1, 2, None))
    with post(guest, fields, {}) as response:
        if not guest.ledger.answered(response, 200):
            guest.ledger.refused.add(fields["prompt"])
            return
        guest.note(response.headers["X-Task-Id"], fields)
        if leaves_after:
            guest.ledger.count("streams left")
        seen = list(itertools.islice(events(response), leaves_after))
        last = seen[-1]
        if leaves_after is None:
            assert last.name == "error" or last.data["message"] in ("Finished", "Stopped"), last


def repeated(guest: Guest) -> None:
    """The same request twice is one task, and another with its key is refused."""
    fields = {**new_fields(guest), "async_process": True}
    headers = {"Idempotency-Key": fields["prompt"]}
    guest.ledger.count("repeated")
    with post(guest, fields, headers) as response:
        task_id = given(guest, response, fields, 200)
    if task_id is None:
        return
    with post(guest, fields, headers) as response:
        if guest.ledger.answered(response, 200):
            assert response.headers["X-Task-Id"] == task_id and response.headers["Idempotency-Replayed"] == "true"
    with post(guest, {**fields, "sharpness": 3.5}, headers) as response:
        guest.ledger.answered(response, 422)


def left(guest: Guest) -> None:
    """A client that has lost its answer, or never waited for it, asks again for what it has asked for."""
    fields = new_fields(guest)
    headers = {"Idempotency-Key": fields["prompt"]}
    guest.ledger.count("left")
    with contextlib.suppress(requests.Timeout, requests.ConnectionError):
        post(guest, fields, headers, patience=guest.chance.uniform(0.05, 0.4)).close()
    while True:
        with post(guest, fields, headers) as response:
            if guest.ledger.answered(response, 200, 500):
                response.content  # noqa: B018
                return guest.note(response.headers["X-Task-Id"], fields)
        time.sleep(1)


def upload(guest: Guest) -> None:
    """An image, which is served as it was sent."""
    guest.ledger.count("upload")
    content = new_picture(guest.chance)
    if (url := guest.sent(content)) is not None:
        response = guest.stranger.get(url)  # a signed URL needs no key
        assert response.status_code == 200 and response.content == content, response.status_code
