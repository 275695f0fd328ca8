"""Windows's accept loop on a proactor that fails as Windows's does: the port stays open."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import struct
import sys
import threading
import urllib.request
from asyncio import proactor_events
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.startup.termination import Termination
from fooocus_api.adapters.webui import proactor
from fooocus_api.adapters.webui.proactor import PEER_ERRORS, close_after_reset, is_of_peer, patch
from fooocus_api.adapters.webui.server import ApiServer
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.fake_proactor import IocpProactor, ProactorLoop, WindowsError, windows_events

OUT_OF_MEMORY = (8, 14, 1450, 1455, 10024, 10055)
"""Windows's error codes for exhausted memory, page file, handles and buffers."""


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
    monkeypatch.setattr(proactor, "LONG_PAUSE_SECONDS", 0.01)
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
    assert turns.paused == [proactor.SHORT_PAUSE_SECONDS] * (count - proactor.AT_ONCE)


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
    waits = [future for future, _ in fake._waiting.values() if not future.done()]
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


def reset(client: socket.socket) -> None:
    """Close a connection with an RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class ResetSocket:
    """A connection's socket that Windows has marked as reset: its shutdown raises, as with 10054 on Windows."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def shutdown(self, how: int) -> None:
        raise ConnectionResetError(10054, "An existing connection was forcibly closed by the remote host")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@pytest.mark.parametrize("patched", [False, True], ids=["asyncio's own", "patched"])
def test_a_client_that_resets_leaves_nothing_behind(patched: bool) -> None:
    """Use a real transport of asyncio's, with a server that waits for its connections."""
    hooks = Patches()
    if patched:
        patch(windows_events(), proactor_events, hooks)
    loop = ProactorLoop(IocpProactor())
    lost = loop.create_future()
    sockets: list[socket.socket] = []
    transports: list[Any] = []

    class Meets(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transports.append(transport)
            sockets.append(transport._sock)
            transport._sock = ResetSocket(transport._sock)

        def connection_lost(self, exc: BaseException | None) -> None:
            loop.call_soon(lost.set_result, None)

    async def main() -> bool:
        server = await loop.create_server(Meets, "127.0.0.1", 0)
        client = await asyncio.to_thread(socket.create_connection, server.sockets[0].getsockname())
        reset(client)
        await lost
        await asyncio.sleep(0)
        left = bool(getattr(server, "_active_count", None) or getattr(server, "_clients", None))
        server.close()
        return left

    try:
        left = loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
        open_sockets = [sock for sock in sockets if sock.fileno() != -1]
        assert sockets
        if patched:
            assert not left and open_sockets == [] and loop.reports == []
        else:
            assert left and open_sockets and len(loop.reports) == 1
    finally:
        for transport, sock in zip(transports, sockets, strict=True):
            sock.close()
            transport._sock = None  # otherwise it warns of the socket that asyncio has left open
        loop.close()
        hooks.uninstall()


@pytest.fixture(params=["3.10.9", "3.10.8"])
def transport(request: pytest.FixtureRequest) -> SimpleNamespace:
    """Return the part of a transport that its end uses, for a Python that records the end and for one that does not."""
    said: list[str] = []
    sock = SimpleNamespace(close=lambda: said.append("closed"))
    server = SimpleNamespace(_detach=lambda: said.append("detached"))
    transport = SimpleNamespace(_sock=sock, _server=server, said=said)
    if request.param == "3.10.9":
        transport._called_connection_lost = False
    return transport


def raising(error: Exception, within: Exception | None = None) -> Callable[..., Any]:
    def fails(*_: Any) -> None:
        try:
            if within is not None:
                raise within
        finally:
            raise error

    return fails


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset"), WindowsError(10054), WindowsError(10057)])
def test_a_shutdown_that_fails_closes(transport: SimpleNamespace, error: OSError) -> None:
    close_after_reset(raising(error), transport, (None,), {})
    assert transport.said == ["closed", "detached"]
    assert transport._sock is None and transport._server is None
    assert getattr(transport, "_called_connection_lost", True)


def test_what_the_protocol_raises_is_raised_all_the_same(transport: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="a bug"):
        close_after_reset(raising(ValueError("a bug")), transport, (None,), {})
    with pytest.raises(ValueError, match="another"):
        close_after_reset(raising(WindowsError(10054), ValueError("another")), transport, (None,), {})
    assert transport.said == ["closed", "detached"]
    with pytest.raises(OSError, match="of the protocol"):
        close_after_reset(raising(OSError("of the protocol")), transport, (None,), {})


def test_of_a_peer_is_what_says_nothing_of_the_listening_socket() -> None:
    assert all(is_of_peer(WindowsError(code)) for code in PEER_ERRORS) and is_of_peer(ConnectionAbortedError())
    assert not any(is_of_peer(WindowsError(code)) for code in (*OUT_OF_MEMORY, 10038))
