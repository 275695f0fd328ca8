"""A reader of event streams, which collects their events in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from fooocus_api.tests.support.client import Client, wait_for

Event = dict[str, Any]


class Reader:
    """Reads a stream in a thread of its own; `events` holds all events so far, each with its name, id and data."""

    def __init__(self, client: Client, path: str, last: str | None = None, **query: Any) -> None:
        parts = urlsplit(client.url)
        self._connection = HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        headers = {"Last-Event-ID": last} if last else {}
        if key := client.session.headers.get("X-API-KEY"):
            headers["X-API-KEY"] = str(key)
        self._connection.request("GET", f"{path}?{urlencode(query)}", headers=headers)
        self._socket = self._connection.sock
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        assert str(self._response.getheader("content-type")).startswith("text/event-stream")
        self.events: list[Event] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        event: Event = {}
        with contextlib.suppress(OSError, HTTPException, ValueError):  # closed by the test or a stopping host
            for raw in self._response:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if raw == b"\n" and "data" in event:
                    self.events.append(event)
                    event = {}
                elif name == "data":
                    event["data"] = json.loads(value)
                elif name in ("event", "id"):
                    event[name] = value
        self.ended.set()

    def close(self) -> None:
        """Disconnect at once; `close` alone would wait for the reading thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._connection.close()

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def of(self, name: str) -> list[Event]:
        return [event["data"] for event in self.events if event["event"] == name]

    def until(self, name: str, number: int = 1) -> Event:
        wait_for(lambda: len(self.of(name)) >= number, f"{number} event(s) {name!r} in {self.names()}", 30)
        return self.of(name)[number - 1]


@contextmanager
def reading(client: Client, path: str, **arguments: Any) -> Iterator[Reader]:
    reader = Reader(client, path, **arguments)
    try:
        yield reader
    finally:
        reader.close()
