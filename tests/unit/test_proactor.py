"""Windows's accept loop on a proactor that fails as Windows's does: the port stays open."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
import threading
import urllib.request
from asyncio import proactor_events
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.startup.termination import Termination
from fooocus_api.adapters.webui import proactor
from fooocus_api.adapters.webui.proactor import PEER_ERRORS, patch
from fooocus_api.adapters.webui.server import ApiServer
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.fakes.fake_proactor import (
    OUT_OF_MEMORY,
    IocpProactor,
    ProactorLoop,
    WindowsError,
    windows_events,
)


@pytest.fixture
def hooks() -> Iterator[Patches]:
    """Yield the patches of asyncio's classes, or of the fakes in their place."""
    hooks = Patches()
    patch(windows_events(), proactor_events, hooks)
    yield hooks
    hooks.uninstall()


class Serving:
    """A server on asyncio's proactor loop, on a thread of its own."""

    def __init__(self, failures: Sequence[WindowsError]) -> None:
        self.proactor = IocpProactor(failures)
        self.loop = ProactorLoop(self.proactor)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/healthz", lambda request: PlainTextResponse("ok"))])
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        self.server = ApiServer(config, lambda: None, Termination())
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Serving:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.listener.close()

    def _run(self) -> None:
        self.loop.run_until_complete(self.server.serve([self.listener]))
        gc.collect()  # asyncio reports unretrieved errors of tasks when these are collected
        self.loop.close()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            return False


def test_asyncio_itself_closes_the_port_at_the_first_failed_accept() -> None:
    """Prove that the wrapper is needed: once CPython keeps the socket, this fails and the wrapper can be removed."""
    with Serving([WindowsError(64)]) as serving:
        wait_for(lambda: serving.loop.reports, "the loop to give up")
        assert serving.listener.fileno() == -1 and not serving.answers()


@pytest.mark.parametrize("at_once", [False, True], ids=["reported later", "raised at once"])
@pytest.mark.parametrize("codes", [sorted(PEER_ERRORS) * 20, [10054] * 1000], ids=["each kind", "a thousand resets"])
def test_the_port_answers_after_failed_accepts(codes: list[int], at_once: bool, hooks: Patches) -> None:
    with Serving([WindowsError(code, at_once=at_once) for code in codes]) as serving:
        assert serving.answers() and serving.answers()
        assert serving.proactor.failures == [] and serving.proactor.accepts >= len(codes)
    assert serving.loop.reports == []


@pytest.fixture
def reset_after_accept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the error codes with which setting an option on the next accepted connections fails: their peers have reset them."""
    codes = [10054, 10022]

    def set_nodelay(sock: Any) -> None:
        if codes:
            raise WindowsError(codes.pop())

    monkeypatch.setattr("asyncio.base_events._set_nodelay", set_nodelay)
    return codes


def test_a_reset_between_accept_and_transport_leaves_the_port_open(
    reset_after_accept: list[int], hooks: Patches
) -> None:
    with Serving([]) as serving:
        assert all(serving.answers() for _ in range(4))
        assert reset_after_accept == [] and serving.listener.fileno() != -1
    assert serving.loop.reports == []


@pytest.mark.parametrize("at_once", [False, True], ids=["reported later", "raised at once"])
def test_a_lack_of_memory_is_waited_out(
    at_once: bool, hooks: Patches, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(proactor, "LONG_PAUSE_S", 0.01)
    monkeypatch.setattr(logging.getLogger("fooocus_api"), "propagate", True)
    with Serving([WindowsError(code, at_once=at_once) for code in OUT_OF_MEMORY]) as serving:
        assert serving.answers()
    assert [record.getMessage() for record in caplog.records if record.name == "fooocus_api.server"] == [
        "connection not accepted; retrying every second"
    ]
    assert serving.loop.reports == []


class Turns:
    """An event loop's clock that counts iterations and pauses and never waits."""

    def __init__(self) -> None:
        self.paused: list[float] = []

    def sleep(self, seconds: float, then: Callable[[], None]) -> Any:
        self.paused.append(seconds)
        return self.loop.call_soon(then)

    loop: Any


def test_accepts_that_fail_for_ever_neither_recurse_nor_take_a_core(hooks: Patches) -> None:
    """Far more failures than Python's stack is deep, each raised at once; all but the first wait for the next iteration."""
    count = 3 * sys.getrecursionlimit()
    fake = IocpProactor([WindowsError(10054, at_once=True)] * count)
    loop = ProactorLoop(fake)
    turns = Turns()
    turns.loop = loop
    loop.call_later = turns.sleep  # type: ignore[method-assign,assignment]
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)

    async def main() -> Any:
        accepting = fake.accept(listener)
        with socket.create_connection(listener.getsockname()):
            conn, _ = await accepting
        return conn

    loop.run_until_complete(main()).close()
    listener.close()
    loop.close()
    assert turns.paused == [proactor.SHORT_PAUSE_S] * (count - proactor.AT_ONCE)


@pytest.mark.parametrize("failing", [False, True], ids=["waiting for a connection", "in a pause"])
def test_a_server_that_closes_cancels_the_accept(failing: bool, hooks: Patches) -> None:
    fake = IocpProactor([WindowsError(10055)] if failing else [])
    loop = ProactorLoop(fake)

    async def main() -> None:
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        await asyncio.sleep(0.05)
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    loop.run_until_complete(main())
    waits = [future for future, _ in fake.waiting.values() if not future.done()]
    accepts = fake.accepts
    loop.close()
    assert waits == [] and accepts == 1 and loop.reports == []


def test_a_connection_that_comes_after_the_cancellation_is_closed(hooks: Patches) -> None:
    fake = IocpProactor()
    loop = ProactorLoop(fake)
    listener = socket.create_server(("127.0.0.1", 0))

    async def main() -> bytes:
        accepting: Any = fake.accept(listener)
        with socket.create_connection(listener.getsockname(), timeout=10) as client:
            fake.select(10)  # the accept is complete, but its callback has not run
            accepting.cancel()
            await asyncio.sleep(0.05)
            return client.recv(1)

    assert loop.run_until_complete(main()) == b""
    listener.close()
    loop.close()


def test_a_listening_socket_that_is_closed_is_given_up(hooks: Patches) -> None:
    fake = IocpProactor([WindowsError(10038, at_once=True)])
    loop = ProactorLoop(fake)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.close()

    async def main() -> None:
        await fake.accept(listener)

    with pytest.raises(OSError, match="10038"):
        loop.run_until_complete(main())
    loop.close()


def test_uninstalled_the_classes_are_asyncios_own() -> None:
    module, lost = windows_events(), proactor_events._ProactorBasePipeTransport._call_connection_lost  # type: ignore[attr-defined]
    accept = IocpProactor.accept
    hooks = Patches()
    patch(module, proactor_events, hooks)
    assert IocpProactor.accept is not accept
    hooks.uninstall()
    assert IocpProactor.accept is accept
    assert proactor_events._ProactorBasePipeTransport._call_connection_lost is lost  # type: ignore[attr-defined]


def test_another_pythons_names_are_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("fooocus_api"), "propagate", True)
    hooks = Patches()
    patch(ModuleType("windows_events"), ModuleType("proactor_events"), hooks)
    assert len([record for record in caplog.records if record.name == "fooocus_api.server"]) == 3
    assert hooks.problems == {}  # with a problem the API would not start
