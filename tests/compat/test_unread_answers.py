"""Answers with images that their clients do not read: the memory for all of them is limited, and a refusal is an error."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.compat.a1111 import QUICK, png
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.hosts.unread import small_host, unread

SIDE = 2048
BUDGET = 44 * 2**20
"""Bytes: a file has 7 MB, more than the system buffers of its answer for a client, and needs four times as many."""
OPENAI, A1111, EXTRAS = "/v1/images/generations", "/sdapi/v1/txt2img", "/sdapi/v1/extra-single-image"
FEW = {"steps": 1, "style_selections": []}
BODIES: dict[str, dict[str, Any]] = {
    OPENAI: {"prompt": "a cat", "response_format": "b64_json", "size": f"{SIDE}x{SIDE}", **FEW},
    A1111: {"prompt": "a cat", "width": SIDE, "height": SIDE, **QUICK},
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a host whose images are as large as photos, with memory for one of them and a half."""
    folder = tmp_path_factory.mktemp("small")
    with small_host(folder, "--demo-null", f"{SIDE}x{SIDE}", "--demo-photo", files=BUDGET) as running:
        yield running


def post(host: Host, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
    return requests.post(host.url + path, json=body, headers=headers, timeout=120)


def images_of(path: str, answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    content = answer.json()
    return [one["b64_json"] for one in content["data"]] if path == OPENAI else content["images"]


@pytest.mark.parametrize("path", BODIES)
def test_an_answer_that_is_not_read_leaves_no_memory_for_another(host: Host, path: str) -> None:
    body, key = BODIES[path], {"Idempotency-Key": path}
    (image,) = images_of(path, post(host, path, body, **key))
    assert base64.b64decode(image, validate=True).startswith(b"\x89PNG")
    with unread(host.port, path, body, key):
        refused = post(host, path, body, **key)
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
        error = refused.json()
        message = error["error"]["message"] if path == OPENAI else error["detail"]
        assert "memory for files is occupied" in message and "Idempotency-Key" in message
        assert set(error) == ({"error"} if path == OPENAI else {"error", "detail", "body", "errors"})
    wait_for(lambda: post(host, path, body, **key).status_code == 200, "the memory to be free")
    assert "Traceback" not in host.log()


def test_an_event_that_is_not_read_leaves_no_memory_for_another(host: Host) -> None:
    body, key = {**BODIES[OPENAI], "stream": True}, {"Idempotency-Key": "stream"}
    whole = post(host, OPENAI, body, **key)
    assert "event: image_generation.completed" in whole.text
    with unread(host.port, OPENAI, body, key, until=b"completed"):
        refused = post(host, OPENAI, body, **key).text
        assert "server_busy" in refused and "completed" not in refused
    wait_for(lambda: "completed" in post(host, OPENAI, body, **key).text, "the memory to be free")


def test_an_enlarged_image_that_is_not_read_leaves_no_memory_for_another(host: Host) -> None:
    (image,) = images_of(A1111, post(host, A1111, BODIES[A1111]))
    body = {"image": image, "upscaler_1": "None"}
    with unread(host.port, EXTRAS, body, {}):
        refused = post(host, EXTRAS, body)
        assert refused.status_code == 503 and "memory for files is occupied" in refused.json()["detail"]
    wait_for(lambda: post(host, EXTRAS, body).status_code == 200, "the memory to be free")
    assert post(host, EXTRAS, {**body, "image": png()}).status_code == 200


def test_an_answer_without_its_images_needs_no_memory(host: Host) -> None:
    body, key = BODIES[A1111], {"Idempotency-Key": "without"}
    with unread(host.port, A1111, body, key):
        answer = post(host, A1111, {**body, "send_images": False})
        assert answer.status_code == 200 and answer.json()["images"] == []
