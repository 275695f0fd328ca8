"""Requests that wait for their tasks without the memory of their bodies."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest
import requests
import uvicorn
from fastapi import APIRouter, Body, FastAPI, Request
from PIL import Image
from pydantic import BaseModel, ConfigDict

from fooocus_api.api.requests.json_body import JsonRoute, free_body
from fooocus_api.api.requests.memory_budget import BODY_BUDGET
from fooocus_api.tests.support.client import QUICK, Client, wait_for
from fooocus_api.tests.support.compat import a1111
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.hosts.unread import small_host

SIDE = 1024
BUDGET = 9 * 2**20
"""Bytes: a body has 4 MB, and what is made of one may have as many for a moment."""
LARGE = 2**23


def noise() -> str:
    """Return a picture of 3 MB as base64."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (SIDE, SIDE), os.urandom(3 * SIDE**2)).save(buffer, "PNG", compress_level=0)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


PICTURE = noise()
BODIES: dict[str, dict[str, Any]] = {
    "/v1/engine/generate/": {**QUICK, "uov_method": "Vary (Subtle)", "uov_input_image": PICTURE},
    "/v2/generation/image-upscale-vary": {"uov_method": "Vary (Subtle)", "input_image": PICTURE},
    "/sdapi/v1/img2img": {**a1111.QUICK, "prompt": "a cat", "init_images": [PICTURE]},
    "/v1/images/edits": {"prompt": "a cat", "images": [{"image_url": f"data:image/png;base64,{PICTURE}"}]},
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with small_host(tmp_path_factory.mktemp("small"), bodies=BUDGET, step_ms=200) as running:
        yield running


@pytest.mark.parametrize("path", BODIES)
def test_a_request_that_waits_leaves_the_memory_to_others(host: Host, path: str) -> None:
    client = Client(host.url)
    client.until(client.submit(overwrite_step=200)["task_id"], "running")
    with ThreadPoolExecutor(3) as pool:
        sent = []
        for _ in range(3):
            sent.append(pool.submit(requests.post, host.url + path, json=BODIES[path], timeout=120))
            wait_for(lambda: pending(client) == len(sent) or sent[-1].done(), "the request to be queued")
            assert not [one.result().text for one in sent if one.done()]
        for task in client.tasks(query="pending")["pending"]:
            client.post(f"/tasks/{task['task_id']}/stop")
        client.control("stop")
        assert all(one.result().status_code < 500 for one in sent)
    client.has_tasks(running=0)


def pending(client: Client) -> int:
    return int(client.get("/v1/info").json()["tasks"]["pending"])


class Sent(BaseModel):
    """A body with images in known and unknown members."""

    model_config = ConfigDict(extra="allow")

    image: str


def test_a_body_is_gone_once_it_is_freed() -> None:
    """Measure the memory in the route: FastAPI's own variables have the body, what is parsed of it, and the model."""
    held: list[int] = []
    routes = APIRouter(route_class=JsonRoute)

    async def route(request: Request, body: Annotated[Sent, Body()]) -> None:
        held.append(tracemalloc.get_traced_memory()[0])
        held.append(BODY_BUDGET.left)
        free_body(request, body)
        held.append(tracemalloc.get_traced_memory()[0])
        held.append(BODY_BUDGET.left)

    routes.post("/")(route)
    app = FastAPI()
    app.include_router(routes)
    content = json.dumps({"image": "a" * LARGE, "other": "b" * LARGE}).encode()
    left = BODY_BUDGET.left
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            tracemalloc.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            headers = {"Content-Type": "application/json"}
            assert requests.post(url, data=content, headers=headers, timeout=120).status_code == 200
        finally:
            tracemalloc.stop()
            server.should_exit = True
            thread.join(30)
    before, reserved, after, free = held
    assert before > 4 * LARGE and after < LARGE
    assert reserved < left - LARGE and free == left
