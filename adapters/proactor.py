"""Windows's event loop, whose listening socket would close when one client resets its connection at the wrong moment.

asyncio's proactor takes any OSError of an accept for the end of the socket (CPython issue 93821): a port scan, or a load
balancer's probe, ends WebUI and API while the process lives on. And a client's reset, met while its connection is shut down,
leaves the connection's socket open and prints a traceback. Wrappers on Windows's own classes cure both.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from .hooks import Hooks

log = logging.getLogger("fooocus_api.server")

PEER_ERRORS = frozenset({64, 121, 1236, 10053, 10054, 10057, 10060})
"""Windows's codes for a connection that its peer has reset, aborted or left: the listening socket is as good as before."""
AT_ONCE = 100
"""Failed accepts in a row after which each next one waits."""
SHORT_PAUSE_SECONDS = 0.001
"""Between two accepts when peers keep on resetting; Windows's clock makes 16 ms of it. A flood can't take a whole core."""
LONG_PAUSE_SECONDS = 1.0
"""After any other failure, such as memory or sockets that have run out: asyncio's other loop waits as long."""


def install(hooks: Hooks) -> None:
    """Patch this process's event loops, on Windows. What can't be patched is logged, and the host runs as without it."""
    if sys.platform == "win32":
        import asyncio.proactor_events
        import asyncio.windows_events

        patch(asyncio.windows_events, asyncio.proactor_events, hooks)


def patch(windows_events: ModuleType, proactor_events: ModuleType, hooks: Hooks) -> None:
    """Put the wrappers around the methods of asyncio's classes, until `hooks` are uninstalled. Never raises."""
    for module, path, wrapper in (
        (windows_events, "IocpProactor.accept", keep_accepting),
        (getattr(proactor_events, "base_events", proactor_events), "_set_nodelay", do_without_nodelay),
        (proactor_events, "_ProactorBasePipeTransport._call_connection_lost", close_after_reset),
    ):
        try:
            hooks.wrap(module, path, wrapper)
        except Exception:
            log.exception("asyncio could not be patched; a client's reset can end the server", extra={"patched": path})


def keep_accepting(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrap `IocpProactor.accept`: its future is done with the next connection that is one, however many fail before it."""
    accepting = Accepting(lambda: wrapped(*args, **kwargs), args[0] if args else kwargs["listener"], instance._loop)
    accepting.attempt()
    return accepting


class Accepting(asyncio.Future[Any]):
    """The next connection of a listening socket. An accept that fails is made again, as long as the socket is open."""

    def __init__(self, accept: Callable[[], Any], listener: Any, loop: Any) -> None:
        super().__init__(loop=loop)
        self._accept = accept
        self._listener = listener
        self._failures = 0
        self._complained = False
        self._under_way: Any = None
        """The accept, or the pause before the next one, that a cancellation ends."""

    def attempt(self) -> None:
        """Begin an accept."""
        if self.done():
            return
        try:
            self._under_way = self._begun()
        except OSError as error:
            self._failed(error)
        else:
            self._under_way.add_done_callback(self._ended)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel, and what is under way at once: the caller closes the listening socket next."""
        if self._under_way is not None:
            self._under_way.cancel()
        return super().cancel(msg)

    def _begun(self) -> Any:
        """Begin an accept, and read the error of its helper task: asyncio prints errors that are never read."""
        loop = self.get_loop()
        others = loop.get_task_factory()

        def make(loop: Any, coroutine: Any, **options: Any) -> Any:
            make_task: Any = others or (
                lambda loop, coroutine, **options: asyncio.Task(coroutine, loop=loop, **options)
            )
            task = make_task(loop, coroutine, **options)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            return task

        loop.set_task_factory(make)
        try:
            return self._accept()
        finally:
            loop.set_task_factory(others)

    def _ended(self, attempt: asyncio.Future[Any]) -> None:
        if attempt.cancelled():
            super().cancel()
        elif (error := attempt.exception()) is None:
            if self.done():  # cancelled in between: the connection has no server
                attempt.result()[0].close()
            else:
                self.set_result(attempt.result())
        elif isinstance(error, OSError):
            self._failed(error)
        elif not self.done():
            self.set_exception(error)

    def _failed(self, error: OSError) -> None:
        if self.done():
            return
        if self._listener.fileno() == -1:
            self.set_exception(error)
            return
        self._failures += 1
        if not is_of_peer(error):
            self._complain(error)
            self._under_way = self.get_loop().call_later(LONG_PAUSE_SECONDS, self.attempt)
        elif self._failures > AT_ONCE:
            self._under_way = self.get_loop().call_later(SHORT_PAUSE_SECONDS, self.attempt)
        else:
            self._under_way = self.get_loop().call_soon(self.attempt)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.error("no connection can be accepted, trying again each second", extra={"reason": str(error)})


def do_without_nodelay(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Wrap `base_events._set_nodelay`: asyncio sets that option on a connection in the midst of its accept loop.

    Where the peer has reset the connection by then it raises, which ends the loop. Its first read says so as well.
    """
    with suppress(OSError):
        wrapped(*args, **kwargs)


def close_after_reset(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrap `_ProactorBasePipeTransport._call_connection_lost`: a connection that its peer has reset is closed as any other.

    The method shuts the socket down before it closes it and detaches the server; after a reset the shutdown raises.
    """
    try:
        return wrapped(*args, **kwargs)
    except OSError as error:
        if instance._sock is None:  # the protocol's error: all is closed
            raise
        raised_before = error.__context__
    with suppress(OSError):
        instance._sock.close()
    instance._sock = None
    server, instance._server = instance._server, None
    if hasattr(instance, "_called_connection_lost"):  # not in Python before 3.10.9
        instance._called_connection_lost = True
    if server is not None:
        server._detach()
    if raised_before is not None:
        raise raised_before
    return None


def is_of_peer(error: BaseException) -> bool:
    """Return True for an error that says something of a client's connection, and nothing of the listening socket."""
    return isinstance(error, ConnectionError) or getattr(error, "winerror", None) in PEER_ERRORS
