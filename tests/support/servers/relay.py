"""A TCP relay before a host, whose connections a test cuts as a network does that is gone for a while."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit

PIECE_BYTES = 65536


class Relay:
    """Passes connections on to a host. While cut, it takes none and has ended those that were open.

    Args:
        url: the host's address, as in http://127.0.0.1:7865.
    """

    def __init__(self, url: str) -> None:
        self._target = ("127.0.0.1", urlsplit(url).port or 80)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.requests: list[str] = []
        """Method and path of each request so far, if it began a piece of its own, as those of browsers do."""
        self._listener = self._listen(0)
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def cut(self) -> None:
        """End all connections and refuse further ones."""
        _close(self._listener)
        with self._lock:
            ended, self._open = self._open, set()
        for one in ended:
            _close(one)

    def restore(self) -> None:
        """Take connections again."""
        self._listener = self._listen(self._port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink, source is near), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, notes: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                line = piece.split(b"\r\n", 1)[0]
                if notes and line.endswith(b" HTTP/1.1"):
                    self.requests.append(line.decode("latin-1").removesuffix(" HTTP/1.1"))
                sink.sendall(piece)
        with self._lock:
            self._open -= {source, sink}
        for one in (source, sink):
            _close(one)

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
