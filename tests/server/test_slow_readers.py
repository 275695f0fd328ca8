"""Clients that stop reading a response: it ends with one line in the log, and its memory is free."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from fooocus_api.api.images.large_answers import BYTES_OF_A_BYTE, AnswerFiles
from fooocus_api.api.requests.memory_budget import MemoryBudget
from fooocus_api.api.responses.problems import add_handlers
from fooocus_api.api.security.event_streams import EventStream
from fooocus_api.asgi.parts import Parts
from fooocus_api.tests.support.client import wait_for

FILE = bytes(16 * 2**20)
"""More than the system buffers of a response for a client."""
SIZE = BYTES_OF_A_BYTE * len(FILE)
PATIENCE_S = 0.2

Respond = Callable[[MemoryBudget], Response]


def whole(budget: MemoryBudget) -> Response:
    """Return a file in one answer."""
    files = AnswerFiles(lambda _: FILE, budget, PATIENCE_S)
    return files.held_by(JSONResponse(files.read("a.png").decode()))


def streamed(budget: MemoryBudget) -> Response:
    """Return a file as an event."""

    async def events() -> AsyncGenerator[bytes, None]:
        files = AnswerFiles(lambda _: FILE, budget)
        try:
            yield b"data: " + files.read("a.png") + b"\n\n"
        finally:
            files.close()

    return EventStream(events(), patience_s=PATIENCE_S)


def rare(_: MemoryBudget) -> Response:
    """Return events with a pause that is longer than a client may take for one."""

    async def events() -> AsyncGenerator[bytes, None]:
        for number in range(3):
            await asyncio.sleep(2 * PATIENCE_S)
            yield b"data: %d\n\n" % number

    return EventStream(events(), patience_s=PATIENCE_S)


@contextmanager
def served(respond: Respond, budget: MemoryBudget) -> Iterator[int]:
    """Serve a response at every path, as the API's application does. Yield the port."""
    app = FastAPI()
    add_handlers(app)
    app.state.paths = ()
    app.add_middleware(Parts)
    app.add_api_route("/{path:path}", lambda: respond(budget), response_model=None)
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@contextmanager
def requested(port: int) -> Iterator[socket.socket]:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        yield connection


def read_of(connection: socket.socket) -> bytes:
    """Return the rest of a response, whether it is complete or not."""
    read = bytearray()
    try:
        while piece := connection.recv(2**20):
            read += piece
    except ConnectionResetError:
        pass
    return bytes(read)


@pytest.mark.parametrize("respond", [whole, streamed])
def test_a_client_that_reads_nothing_is_disconnected(respond: Respond, caplog: pytest.LogCaptureFixture) -> None:
    budget = MemoryBudget(SIZE)
    with caplog.at_level(logging.INFO), served(respond, budget) as port, requested(port) as connection:
        wait_for(lambda: budget.left == 0, "the file to be read", 30)
        wait_for(lambda: budget.left == SIZE, "the memory to be free", 30)
        wait_for(lambda: caplog.records[-1].message == "client stopped reading", "the line", 30)
        assert len(read_of(connection)) < len(FILE), "what was not read is dropped"
    lines = [one for one in caplog.records if one.name.startswith("fooocus_api") or one.levelno > logging.INFO]
    assert [(one.levelname, one.message) for one in lines] == [("INFO", "client stopped reading")]
    assert lines[0].__dict__["route"] == "/{path:path}" and lines[0].exc_info is None


@pytest.mark.parametrize("respond", [whole, streamed])
def test_a_client_that_reads_gets_the_whole_response(respond: Respond, caplog: pytest.LogCaptureFixture) -> None:
    budget = MemoryBudget(SIZE)
    with caplog.at_level(logging.WARNING), served(respond, budget) as port, requested(port) as connection:
        assert len(read_of(connection)) > len(FILE)
        wait_for(lambda: budget.left == SIZE, "the memory to be free", 30)
    assert not caplog.records


def test_a_stream_without_events_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO, "fooocus_api"),
        served(rare, MemoryBudget(0)) as port,
        requested(port) as connection,
    ):
        read = read_of(connection)
    assert [line for line in read.splitlines() if line.startswith(b"data")] == [b"data: 0", b"data: 1", b"data: 2"]
    assert "stopped" not in caplog.text
