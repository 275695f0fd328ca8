"""Sends requests with httpx, again where that helps, and keeps event streams alive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Optional, TypeVar

import httpx

from ..wire.connection import FINAL, NOT_SENT, UNREADABLE, Server, answer_of, is_stream, unreadable
from ..wire.errors import ConnectionFailed
from ..wire.problems import error_of
from ..wire.request import Answer, Call, Request
from ..wire.retries import Attempts
from ..wire.stream import EventStream, StreamClosed

T = TypeVar("T")


class Transport:
    """One server and its connections.

    Args:
        http: a client with settings of its own, such as a proxy or certificates; it stays open.
    """

    def __init__(self, server: Server, retries: int, http: Optional[httpx.Client] = None) -> None:
        self.server = server
        self.retries = retries
        self._given = http is not None
        self._http = http if http is not None else httpx.Client(trust_env=not server.is_loopback)
        self._reached = False

    def close(self) -> None:
        """Close the connections."""
        if not self._given:
            self._http.close()

    def call(self, call: Call[T]) -> T:
        """Send a request and return what its answer says.

        Raises:
            ApiError: the server refuses the request.
            ConnectionFailed: the server can't be reached.
        """
        return call.read(self.answer(call.request))

    def answer(self, request: Request) -> Answer:
        """Send a request, again after errors that pass, and return the answer of a success."""
        attempts = Attempts(request, self.retries, reached=self._reached)
        while True:
            pause: Optional[float]
            try:
                response = self._http.request(**self.server.arguments(request))
            except httpx.TransportError as error:
                was_sent, is_final = not isinstance(error, NOT_SENT), isinstance(error, FINAL)
                pause = attempts.after_error(self.server.shown, error, was_sent=was_sent, is_final=is_final)
            except UNREADABLE as error:
                raise unreadable(self.server, error) from error
            else:
                answer = answer_of(response)
                if response.is_success:
                    self._reached = True
                    return answer
                pause = attempts.after_answer(answer)
                if pause is None:
                    raise error_of(answer)
            time.sleep(pause)

    def events(self, stream: EventStream[T]) -> Iterator[T]:
        """Yield the events of a stream, over as many connections as it takes."""
        stream.begin(reached=self._reached)
        while not stream.has_ended():
            try:
                with self._http.stream(**self.server.arguments(stream.request())) as response:
                    if is_stream(response):
                        self._reached = True
                        for chunk in response.iter_bytes():
                            for event in stream.receive(chunk):
                                yield event
                            if stream.has_ended():
                                return
                        raise StreamClosed("the server closed the stream")
                    response.read()
                    pause = stream.refused(answer_of(response))
            except (httpx.TransportError, StreamClosed) as error:
                was_sent, is_final = not isinstance(error, NOT_SENT), isinstance(error, FINAL)
                pause = stream.lost(self.server.shown, error, was_sent=was_sent, is_final=is_final)
            except UNREADABLE as error:
                raise unreadable(self.server, error) from error
            time.sleep(pause)

    def chunks(self, request: Request) -> Iterator[bytes]:
        """Yield the body of a large answer in parts. It is not sent again: the caller has the first parts already."""
        try:
            with self._http.stream(**self.server.arguments(request)) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(answer_of(response))
                for chunk in response.iter_bytes():
                    yield chunk
        except FINAL:
            raise ConnectionFailed(f"the request to {self.server.shown} can't be sent; check its headers") from None
        except httpx.TransportError as error:
            raise ConnectionFailed(f"{self.server.shown} can't be reached: {error}; try again") from error
        except UNREADABLE as error:
            raise unreadable(self.server, error) from error
