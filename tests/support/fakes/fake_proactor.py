"""A proactor on selectors, so that asyncio's Windows-only proactor loop runs anywhere. Its accepts fail on request."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
from asyncio import proactor_events
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

OUT_OF_MEMORY = (8, 14, 1450, 1455, 10024, 10055)
"""Windows's error codes for exhausted memory, page file, handles and buffers."""


class WindowsError(OSError):
    """An error with a Windows error code, raised `at_once` or reported when the operation completes."""

    def __init__(self, winerror: int, *, at_once: bool = False) -> None:
        super().__init__(22, f"[WinError {winerror}]")
        self.winerror = winerror
        self.at_once = at_once


class IocpProactor:
    """The part of asyncio's class of that name that a server needs. `failures` are the errors of the next accepts, in order."""

    def __init__(self, failures: Iterable[WindowsError] = ()) -> None:
        self.failures = list(reversed(list(failures)))
        self.accepts = 0
        self._loop: Any = None
        self._selector = selectors.DefaultSelector()
        self.waiting: dict[tuple[int, int], tuple[asyncio.Future[Any], Callable[[], Any]]] = {}
        self._stopped: set[int] = set()

    def set_loop(self, loop: Any) -> None:
        self._loop = loop

    def accept(self, listener: socket.socket) -> asyncio.Future[Any]:
        self.accepts += 1
        failure = self.failures.pop() if self.failures else None
        if failure is not None and failure.at_once:
            raise failure
        conn = socket.socket(listener.family)
        future: asyncio.Future[Any]
        if failure is not None:
            future = self._loop.create_future()
            self._loop.call_soon(_fail, future, failure)
        else:
            future = self._when(listener, selectors.EVENT_READ, lambda: _accepted(listener))

        async def accept_coro(future: asyncio.Future[Any], conn: socket.socket) -> None:
            """Close the socket as asyncio's own coroutine does; its result is never read."""
            try:
                await future
            finally:
                conn.close()

        asyncio.ensure_future(accept_coro(future, conn), loop=self._loop)  # noqa: RUF006  # as asyncio does
        return future

    def recv(self, conn: socket.socket, nbytes: int, flags: int = 0) -> asyncio.Future[Any]:
        return self._when(conn, selectors.EVENT_READ, lambda: conn.recv(nbytes, flags))

    def recv_into(self, conn: socket.socket, buffer: Any, flags: int = 0) -> asyncio.Future[Any]:
        return self._when(conn, selectors.EVENT_READ, lambda: conn.recv_into(buffer, flags=flags))

    def send(self, conn: socket.socket, data: Any, flags: int = 0) -> asyncio.Future[Any]:
        return self._when(conn, selectors.EVENT_WRITE, lambda: conn.send(data, flags))

    def select(self, timeout: float | None = None) -> list[Any]:
        for key, mask in self._selector.select(timeout):
            for event in (selectors.EVENT_READ, selectors.EVENT_WRITE):
                if mask & event:
                    self._run(key.fd, event)
        return []

    def close(self) -> None:
        self._selector.close()

    def _stop_serving(self, listener: socket.socket) -> None:
        for event in (selectors.EVENT_READ, selectors.EVENT_WRITE):
            self.waiting.pop((listener.fileno(), event), None)
        self._watch(listener.fileno())

    def _when(self, conn: socket.socket, event: int, action: Callable[[], Any]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        fd = conn.fileno()
        self.waiting[fd, event] = future, action
        self._watch(fd)
        future.add_done_callback(lambda done: self._forget(fd, event, done))
        return future

    def _forget(self, fd: int, event: int, future: asyncio.Future[Any]) -> None:
        """Forget a cancelled read or accept: its socket is closed soon, and another may get its descriptor."""
        if self.waiting.get((fd, event), (None,))[0] is future:
            del self.waiting[fd, event]
            self._watch(fd)

    def _run(self, fd: int, event: int) -> None:
        waiting = self.waiting.pop((fd, event), None)
        if waiting is not None and not waiting[0].done():
            future, action = waiting
            try:
                future.set_result(action())
            except BlockingIOError:
                self.waiting[fd, event] = waiting
            except OSError as error:
                future.set_exception(error)
        self._watch(fd)

    def _watch(self, fd: int) -> None:
        mask = sum(event for (watched, event) in self.waiting if watched == fd)
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._selector.unregister(fd)
        if mask:
            self._selector.register(fd, mask)


class ProactorLoop(proactor_events.BaseProactorEventLoop):
    """asyncio's own proactor loop, including its accept loop, run as `asyncio.ProactorEventLoop` runs it."""

    def __init__(self, proactor: IocpProactor) -> None:
        super().__init__(proactor)
        self.reports: list[dict[str, Any]] = []
        """Contexts that asyncio would log."""
        self.set_exception_handler(lambda _, context: self.reports.append(context))

    def run_forever(self) -> None:
        reading: Any = self
        reading.call_soon(reading._loop_self_reading)
        try:
            super().run_forever()
        finally:
            if reading._self_reading_future is not None:
                reading._self_reading_future.cancel()
                reading._self_reading_future = None


def windows_events() -> ModuleType:
    """Return a module that holds the class where asyncio holds its own."""
    module = ModuleType("windows_events")
    module.IocpProactor = IocpProactor  # type: ignore[attr-defined]
    return module


def _accepted(listener: socket.socket) -> tuple[socket.socket, Any]:
    conn, address = listener.accept()
    conn.setblocking(False)
    return conn, address


def _fail(future: asyncio.Future[Any], error: OSError) -> None:
    if not future.done():
        future.set_exception(error)
