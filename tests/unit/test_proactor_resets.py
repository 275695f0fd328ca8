"""Connections that a client resets on Windows's proactor: their sockets are closed, and the errors are its own."""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio import proactor_events
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.webui.proactor import PEER_ERRORS, close_after_reset, is_of_peer, patch
from fooocus_api.tests.support.fakes.fake_proactor import (
    OUT_OF_MEMORY,
    IocpProactor,
    ProactorLoop,
    WindowsError,
    windows_events,
)


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
