"""A wait for a socket that another thread can end, on every system."""

from __future__ import annotations

import contextlib
import selectors
import socket


class Waker:
    """Waits for data on a socket until some seconds have passed or `wake` is called. `wake` works from any thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """End the current wait, or the next one."""
        with contextlib.suppress(OSError):  # full: it wakes already; closed: nothing waits
            self._writer.send(b"\0")

    def wait(self, seconds: float, source: int | None = None) -> bool:
        """Wait for data on `source`, a socket's number; None for none. Return whether there is some."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            if source is not None:
                selector.register(source, selectors.EVENT_READ)
            ready = [key.fd for key, _ in selector.select(seconds)]
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(64):
                pass
        return source in ready

    def close(self) -> None:
        """Close the sockets, once nothing waits any more."""
        self._writer.close()
        self._reader.close()
