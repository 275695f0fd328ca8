"""Parser of server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class ServerSentEvent:
    """One event: its name, its data and its id."""

    name: str
    data: str
    id: Optional[str]


class EventParser:
    """Makes events of the bytes of one connection."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._name = ""
        self._data: list[str] = []
        self._id: Optional[str] = None
        self._last_id: Optional[str] = None

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that a chunk completes."""
        self._rest.append(chunk)
        if b"\n" not in chunk:
            return
        *lines, rest = b"".join(self._rest).split(b"\n")
        self._rest = [rest]
        for line in lines:
            event = self._line(line.rstrip(b"\r").decode("utf-8", "replace"))
            if event is not None:
                yield event

    @property
    def last_id(self) -> Optional[str]:
        """The id of the newest complete event; one may come without data."""
        return self._last_id

    def _line(self, line: str) -> Optional[ServerSentEvent]:
        if not line:
            return self._completed()
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id":
            self._id = value
        return None

    def _completed(self) -> Optional[ServerSentEvent]:
        event = ServerSentEvent(self._name or "message", "\n".join(self._data), self._id) if self._data else None
        self._name, self._data, self._last_id = "", [], self._id
        return event
