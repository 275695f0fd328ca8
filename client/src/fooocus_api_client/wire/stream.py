"""An event stream over any number of connections: after one breaks, the next continues where it ended."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, Callable, Generic, Optional, TypeVar

from .errors import UnexpectedAnswer
from .problems import error_of
from .request import Answer, Request
from .retries import SHUTTING_DOWN, Attempts
from .sse import EventParser, ServerSentEvent

E = TypeVar("E")
Read = Callable[[str, dict[str, Any]], Optional[E]]
"""Makes an event of its name and data; None for one that is not passed on."""


class EventStream(Generic[E]):
    """The state of a stream. It opens no connection itself: a client sends `request()`, and reports what comes.

    Args:
        is_last: returns True for the event after which the server closes the stream; no event is the last of an endless one.
        continues: the server knows `Last-Event-ID`. Otherwise a new connection begins with the current state.
    """

    def __init__(
        self,
        request: Request,
        read: Read[E],
        is_last: Callable[[str, dict[str, Any]], bool],
        *,
        continues: bool,
        retries: int,
    ) -> None:
        self._request = request
        self._read = read
        self._is_last = is_last
        self._continues = continues
        self._retries = retries
        self._attempts = Attempts(request, retries)
        self._parser = EventParser()
        self._last_id: Optional[str] = None
        self._has_ended = False

    def begin(self, *, reached: bool) -> None:
        """Begin to count attempts; `reached` says that the server has answered before."""
        self._attempts = Attempts(self._request, self._retries, reached=reached)

    def has_ended(self) -> bool:
        """Return whether the last event has come."""
        return self._has_ended

    def request(self) -> Request:
        """Return the request of the next connection."""
        self._parser = EventParser()
        if self._last_id is None:
            return self._request
        return dataclasses.replace(self._request, headers={**self._request.headers, "Last-Event-ID": self._last_id})

    def receive(self, chunk: bytes) -> Iterator[E]:
        """Yield the events that a chunk of the body completes."""
        events = list(self._parser.feed(chunk))
        received = [(event.name, data_of(event), event.id) for event in events]
        if not any(ends_with_server(name, data) for name, data, _ in received):
            self._attempts.succeeded()  # also after a comment, which the server sends as a sign of life
        for name, data, last_id in received:
            if ends_with_server(name, data):
                raise StreamClosed(str(data.get("detail") or "Fooocus is shutting down"))
            self._last_id = last_id if self._continues and last_id is not None else self._last_id
            made = self._read(name, data)
            self._has_ended = self._has_ended or self._is_last(name, data)
            if made is not None:
                yield made
        if self._continues and self._parser.last_id is not None:
            self._last_id = self._parser.last_id

    def refused(self, answer: Answer) -> float:
        """Return the seconds until the next connection after a response without a stream.

        Raises:
            ApiError: there is no next one.
            UnexpectedAnswer: the answer is no stream.
        """
        if answer.status == 204:
            self._has_ended = True
            return 0.0
        if answer.status == 200:
            kind = answer.headers.get("content-type", "an unknown type")
            raise UnexpectedAnswer(f"{answer.url} answered {kind} in place of events; check the server's URL")
        pause = self._attempts.after_answer(answer)
        if pause is None:
            raise error_of(answer)
        return pause

    def lost(self, url: str, error: Exception, *, was_sent: bool = True, is_final: bool = False) -> float:
        """Return the seconds until the next connection after one broke.

        Raises:
            ConnectionFailed: there is no next one.
        """
        return self._attempts.after_error(url, error, was_sent=was_sent, is_final=is_final)


class StreamClosed(Exception):
    """The server closed a stream before its last event, as it does at a restart."""


def ends_with_server(name: str, data: dict[str, Any]) -> bool:
    """Return whether an event says that the server ends; its task continues after the restart."""
    return name == "error" and data.get("code") == SHUTTING_DOWN


def data_of(event: ServerSentEvent) -> dict[str, Any]:
    """Return an event's data as JSON.

    Raises:
        UnexpectedAnswer: it is not a JSON object.
    """
    try:
        data = json.loads(event.data)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise UnexpectedAnswer(f"the event {event.name!r} has no JSON object")
    return data
