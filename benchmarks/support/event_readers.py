"""Many readers of event streams in a separate process, which does little else."""

from __future__ import annotations

import multiprocessing
import re
import selectors
import socket
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..frame import Unavailable

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

STEP = re.compile(rb"Sampling step (\d+)/")
TASK_ID = re.compile(rb'"task_id": "(\w+)"')
SILENT_BUFFER = 4096
"""Bytes that the system buffers for a reader that never reads."""
PATIENCE = 180


@dataclass
class Reading:
    """Previews that one reader received. For each: the index of its task in `Seen.tasks`, its step, and its arrival time."""

    tasks: array[int] = field(default_factory=lambda: array("q"))
    steps: array[int] = field(default_factory=lambda: array("q"))
    moments: array[int] = field(default_factory=lambda: array("q"))


@dataclass
class Seen:
    """Results of all readers, and the tasks' ids in the order of their first events."""

    readings: list[Reading]
    tasks: list[str]


def get(path: str) -> bytes:
    """Return a GET request whose connection closes with the stream."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Return a POST request with a JSON body whose connection closes with the stream."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Readers:
    """One reader per request, listening once the `with` block begins. The last `silent` of them never read."""

    def __init__(self, url: str, requests: Sequence[bytes], silent: int = 0) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise Unavailable("the readers are forked, and Windows has no fork")
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        parts = urlsplit(url)
        address = (str(parts.hostname), int(parts.port or 80))
        self._process = context.Process(target=_read, args=(address, list(requests), silent, theirs), daemon=True)

    def __enter__(self) -> Readers:
        self._process.start()
        assert self._pipe.poll(PATIENCE), "the readers did not get their streams"
        self._pipe.recv()
        return self

    def stop(self) -> Seen:
        """End all streams, and return the results."""
        self._pipe.send("stop")
        return self.ended()

    def ended(self) -> Seen:
        """Wait until the host has ended all streams, and return the results."""
        assert self._pipe.poll(PATIENCE), "the streams did not end"
        seen: Seen = self._pipe.recv()
        return seen

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()


class _Reader:
    def __init__(self, address: tuple[str, int], request: bytes, *, silent: bool) -> None:
        self.socket = socket.socket()
        if silent:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SILENT_BUFFER)
        self.socket.connect(address)
        self.socket.sendall(request)
        self.rest = b""
        self.reading = Reading()

    def take(self, tasks: dict[bytes, int]) -> bool:
        """Read the available data. Return False at the end of the stream."""
        chunk = self.socket.recv(1 << 20)
        now = time.monotonic_ns()
        *events, self.rest = (self.rest + chunk).split(b"\n\n")
        for event in events:
            if b'"data:image/' in event and (step := STEP.search(event)):
                task_id = TASK_ID.search(event)
                reading = self.reading
                reading.tasks.append(tasks.setdefault(task_id[1] if task_id else b"", len(tasks)))
                reading.steps.append(int(step[1]))
                reading.moments.append(now)
        return bool(chunk)


def _read(address: tuple[str, int], requests: list[bytes], silent: int, pipe: Connection[Any, Any]) -> None:
    readers = [
        _Reader(address, request, silent=number >= len(requests) - silent) for number, request in enumerate(requests)
    ]
    open_readers = set(readers[: len(readers) - silent])
    waiting = set(open_readers)
    if not waiting:
        pipe.send("no reader is left")
    tasks: dict[bytes, int] = {}
    selector = selectors.DefaultSelector()
    selector.register(pipe, selectors.EVENT_READ)
    for reader in open_readers:
        selector.register(reader.socket, selectors.EVENT_READ, reader)
    while open_readers:
        for key, _ in selector.select():
            reader = key.data
            if reader is None:
                open_readers.clear()
                break
            if waiting:
                waiting.discard(reader)
                if not waiting:
                    pipe.send("all listen")
            if not reader.take(tasks):
                selector.unregister(reader.socket)
                open_readers.discard(reader)
    for reader in readers:
        reader.socket.close()
    pipe.send(Seen([reader.reading for reader in readers], [task_id.decode() for task_id in tasks]))
