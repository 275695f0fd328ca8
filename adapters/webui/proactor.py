"""Fixes for Windows's event loop, whose listening socket closes when a client resets its connection at the wrong moment.

asyncio's proactor treats any OSError of an accept as the end of the listening socket (CPython issue 93821): a port scan or a load
balancer's probe ends the WebUI and the API while the process keeps running. A reset during a connection's shutdown leaks
the connection's socket and prints a traceback. Wrappers around methods of asyncio's classes prevent both.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from ..patching.hooks import Patches

log = logging.getLogger("fooocus_api.server")

PEER_ERRORS = frozenset({64, 121, 1236, 10053, 10054, 10057, 10060})
"""Windows error codes of a connection that its peer has reset, aborted or left: the listening socket is still usable."""
AT_ONCE = 100
"""Failed accepts in a row after which the loop pauses before each next one."""
SHORT_PAUSE_S = 0.001
"""Pause between two accepts while peers keep resetting, so that a flood can't use a whole core; 16 ms by Windows's clock."""
LONG_PAUSE_S = 1.0
"""Pause after any other failure, such as too little memory or too few sockets; asyncio's other loop pauses as long."""


def install(patches: Patches) -> None:
    """Patch this process's event loops, on Windows. Log a failed patch; the host then runs without it."""
    if sys.platform == "win32":
        import asyncio.proactor_events
        import asyncio.windows_events

        patch(asyncio.windows_events, asyncio.proactor_events, patches)


def patch(windows_events: ModuleType, proactor_events: ModuleType, patches: Patches) -> None:
    """Wrap the methods of asyncio's classes until `patches` are uninstalled. Never raises."""
    for module, path, wrapper in (
        (windows_events, "IocpProactor.accept", keep_accepting),
        (getattr(proactor_events, "base_events", proactor_events), "_set_nodelay", do_without_nodelay),
        (proactor_events, "_ProactorBasePipeTransport._call_connection_lost", close_after_reset),
    ):
        try:
            patches.wrap(module, path, wrapper)
        except Exception:
            log.exception("asyncio not patched; a client's reset can end the server", extra={"patched": path})


def keep_accepting(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrap `IocpProactor.accept`: its future resolves with the next successful connection, regardless of failures before it."""
    accepting = Accepting(lambda: wrapped(*args, **kwargs), args[0] if args else kwargs["listener"], instance._loop)
    accepting.attempt()
    return accepting


class Accepting(asyncio.Future[Any]):
    """Future of a listening socket's next connection. A failed accept is retried while the socket is open."""

    def __init__(self, accept: Callable[[], Any], listener: Any, loop: Any) -> None:
        super().__init__(loop=loop)
        self._accept = accept
        self._listener = listener
        self._failures = 0
        self._complained = False
        self._under_way: Any = None
        """The current accept, or the pause before the next one; cancelled with the future."""

    def attempt(self) -> None:
        """Start an accept."""
        if self.done():
            return
        try:
            self._under_way = self._begun()
        except OSError as error:
            self._failed(error)
        else:
            self._under_way.add_done_callback(self._ended)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the future and the accept in progress at once: the caller closes the listening socket next."""
        if self._under_way is not None:
            self._under_way.cancel()
        return super().cancel(msg)

    def _begun(self) -> Any:
        """Start an accept, and retrieve the exception of its helper task: asyncio prints exceptions that are never retrieved."""
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
            if self.done():  # cancelled since: the connection has no server
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
            self._under_way = self.get_loop().call_later(LONG_PAUSE_S, self.attempt)
        elif self._failures > AT_ONCE:
            self._under_way = self.get_loop().call_later(SHORT_PAUSE_S, self.attempt)
        else:
            self._under_way = self.get_loop().call_soon(self.attempt)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.error("connection not accepted; retrying every second", extra={"reason": str(error)})


def do_without_nodelay(wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Wrap `base_events._set_nodelay`, which asyncio calls on a connection inside its accept loop: ignore its OSError.

    It raises if the peer has already reset the connection, which would end the loop. The connection's first read fails as well.
    """
    with suppress(OSError):
        wrapped(*args, **kwargs)


def close_after_reset(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrap `_ProactorBasePipeTransport._call_connection_lost`, so that a connection reset by its peer is closed like any other.

    The method shuts the socket down before it closes it and detaches the server; after a reset the shutdown raises.
    """
    try:
        return wrapped(*args, **kwargs)
    except OSError as error:
        if instance._sock is None:  # the protocol's error: the socket is closed already
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
    """Return whether an error concerns a client's connection only, not the listening socket."""
    return isinstance(error, ConnectionError) or getattr(error, "winerror", None) in PEER_ERRORS
