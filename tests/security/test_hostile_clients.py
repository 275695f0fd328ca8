"""Clients that exhaust resources, and the records, files and small requests of others, which are still answered."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import socket
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest
from fastapi import Request, Response
from PIL import Image as PILImage
from starlette.types import Message

from fooocus_api.adapters.startup.open_file_limit import allow_more
from fooocus_api.adapters.worker.queue_items import WorkerJob
from fooocus_api.api.requests.json_body import SMALL_BODY_BYTES, BufferedRequest
from fooocus_api.api.requests.memory_budget import BODY_BUDGET, MemoryBudget, Reservation
from fooocus_api.api.responses.problems import Problem
from fooocus_api.api.routes.images.inputs import post_input
from fooocus_api.api.routes.tools import describe, read_metadata
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import QUICK, Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host

MANY = 45
"""More than the threads of any one pool."""

COUNTED_SCANS = """
_uncounted = update_files


def update_files():
    with open({path!r}, "a") as counter:
        counter.write("x")
    return _uncounted()
"""
"""The end of the demo's `modules/config.py`, with which it writes a letter for each scan of the folders."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--allow-private-urls", "127.0.0.0/8", step_ms=20) as started:
        yield started


class Silent:
    """A server that accepts connections and sends nothing until it is closed."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/a.png"
        self.asked: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self.asked.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self.listener.close()
        for connection in self.asked:
            connection.close()


@contextmanager
def waiting_for_a_silent_server(host: Host, path: str, **body: object) -> Iterator[list[Future[int]]]:
    """Send many requests whose image never arrives, and yield their futures; `IMAGE` in the body stands for its URL."""
    silent = Silent()
    text = json.dumps(body).replace("IMAGE", silent.url)

    def send() -> int:
        headers = {"Content-Type": "application/json"}
        return Client(host.url).post(path, data=text, headers=headers).status_code

    with ThreadPoolExecutor(MANY) as pool:
        sent = [pool.submit(send) for _ in range(MANY)]
        try:
            wait_for(lambda: len(silent.asked) == MANY, "all to be asked for")
            yield sent
        finally:
            silent.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/engine/generate", {**QUICK, "uov_method": "Vary (Subtle)", "uov_input_image": "IMAGE"}),
        ("/v1/tools/describe-image", {"image": "IMAGE"}),
    ],
)
def test_nobody_waits_for_a_server_that_another_has_named(host: Host, path: str, body: dict[str, object]) -> None:
    client = Client(host.url)
    drawn = client.draw()
    with waiting_for_a_silent_server(host, path, **body) as sent:
        assert client.get("/healthz").status_code == 200
        assert client.get(drawn["result"][0]).status_code == 200
        assert client.task(drawn["task_id"]) and client.tasks()["history"]
        assert client.draw()["task_status"] == "finished"
        assert not any(request.done() for request in sent)
    assert {request.result() for request in sent} == {422}


def red(side: int) -> bytes:
    buffer = io.BytesIO()
    PILImage.new("RGB", (side, side), "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.nightly
def test_pictures_that_wait_for_the_models_have_a_bound(demo_factory: DemoFactory) -> None:
    """Send eight small files of 192 MB of pixels each: the budget holds five, the others get a 503."""
    host = demo_factory(step_ms=200)
    client = Client(host.url)
    name = client.post("/inputs", files={"image": red(8000)}).json()["file_name"]
    long = client.submit(overwrite_step=200)
    client.until(long["task_id"], "running")
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(client.post, "/v1/tools/describe-image", json={"image": name}) for _ in range(8)]
        wait_for(lambda: sum(request.done() for request in sent) == 3, "three to be refused")
        assert client.submit(prompt="a small one")["task_status"] == "pending"
        client.post(f"/tasks/{long['task_id']}/stop")
        answers = sorted(request.result().status_code for request in sent)
    assert answers == [200] * 5 + [503] * 3
    [refused] = {request.result().headers["retry-after"] for request in sent if request.result().status_code == 503}
    assert int(refused) > 0


@contextmanager
def few_open_files(limit: int) -> Iterator[None]:
    """Start a host in this block with that soft limit of open files, as from a shell that sets it."""
    resource = pytest.importorskip("resource", reason="this system has no limit of open files")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_leave_room_for_the_images(demo_factory: DemoFactory) -> None:
    with few_open_files(100):
        host = demo_factory()
    client = Client(host.url, patience=60)
    with ExitStack() as stack:
        for _ in range(200):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", host.port)))
            idle.sendall(b"GET /v1/events HTTP/1.1\r\n")  # an incomplete request
        record = client.draw()
        assert client.image(record["result"][0]).size == (256, 256)
    assert "Too many open files" not in host.log()


def test_the_limit_of_open_files_is_set_back() -> None:
    resource = pytest.importorskip("resource", reason="this system has no limit of open files")
    with few_open_files(100):
        set_back = allow_more()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 100
        set_back()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 100


def test_a_job_that_is_given_up_holds_nothing() -> None:
    picture = numpy.zeros((1, 1, 3), numpy.uint8)
    gone = weakref.ref(picture)
    job = WorkerJob(partial(len, picture))
    del picture
    assert gone() is not None and job.future.cancel()
    assert gone() is None
    job.run()


def read(size: int) -> None:
    """Read a JSON body of that size as a route does."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b'"' + b"a" * (size - 2) + b'"'}

    async def read_it() -> None:
        with BODY_BUDGET.reservation() as reservation:
            await BufferedRequest({"type": "http", "method": "POST", "headers": []}, receive).read(reservation)

    asyncio.run(read_it())


def test_large_bodies_that_never_end_hold_up_no_usual_request() -> None:
    with BODY_BUDGET.reservation() as reservation:
        reservation.grow(BODY_BUDGET.left)
        read(SMALL_BODY_BYTES)
        with pytest.raises(Problem) as refused:
            read(SMALL_BODY_BYTES + 1)
        assert refused.value.status == 503
    read(SMALL_BODY_BYTES + 1)


def test_a_request_with_many_unknown_files_has_the_folders_read_once(demo_factory: DemoFactory, tmp_path: Path) -> None:
    checkout, scans = tmp_path / "demo", tmp_path / "scans"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    with (checkout / "modules" / "config.py").open("a", encoding="utf-8") as config:
        config.write(COUNTED_SCANS.format(path=str(scans)))
    client = Client(demo_factory(checkout=checkout).url)
    loras = [{"model_name": f"unknown-{number}.safetensors", "weight": 1} for number in range(5)]
    names = {"loras": loras, "base_model_name": "unknown.safetensors", "refiner_model_name": "unknown/too.safetensors"}
    body = {**QUICK, **names, "prompt": "<lora:unknown:1>"}
    lines = "\n".join(json.dumps({**body, "prompt": str(number)}) for number in range(20))
    for send in (
        lambda: client.post("/v1/engine/generate/", json=body),
        lambda: client.post("/v1/batches", data=lines, headers={"Content-Type": "application/x-ndjson"}),
    ):
        scans.write_text("")
        answer = send()
        assert answer.status_code == 422 and "unknown-4" in answer.text
        assert scans.read_text() == "x"


def upload_of(size: int) -> Request:
    """Return a request with a form with an image file of that size."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'

    async def receive() -> Message:
        return {"type": "http.request", "body": head + bytes(size) + b"\r\n--b--\r\n"}

    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def read_by_inputs(request: Request, _: Reservation) -> object:
    context: Any = None  # not in use before the image is read
    return await post_input(context, request, Response())


@pytest.mark.parametrize("read_form", [read_by_inputs, describe.read_body, read_metadata.read_body])
def test_an_uploaded_image_is_read_within_the_memory_that_is_left(
    read_form: Callable[[Request, Reservation], Coroutine[Any, Any, object]],
) -> None:
    with BODY_BUDGET.reservation() as others, BODY_BUDGET.reservation() as reservation:
        others.grow(BODY_BUDGET.left)
        with pytest.raises(Problem) as refused:
            asyncio.run(read_form(upload_of(SMALL_BODY_BYTES + 1), reservation))
        assert refused.value.status == 503


def test_a_small_image_is_read_when_no_memory_is_left() -> None:
    with BODY_BUDGET.reservation() as others, BODY_BUDGET.reservation() as reservation:
        others.grow(BODY_BUDGET.left)
        content, _ = asyncio.run(describe.read_body(upload_of(SMALL_BODY_BYTES), reservation))
    assert content == bytes(SMALL_BODY_BYTES)


def test_memory_that_is_shared() -> None:
    memory = MemoryBudget(100)
    with memory.reservation() as mine, memory.reservation() as others:
        mine.grow(60)
        others.grow(40)
        mine.grow(0)
        with pytest.raises(Problem) as refused:
            others.grow(1)
        assert refused.value.status == 503
    with memory.reservation() as again:
        again.grow(100)
