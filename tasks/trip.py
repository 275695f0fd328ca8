"""One call to a server that a client named: its connections, and the limits they end by. Called by outbound.py.

urllib3 speaks HTTP and TLS; where a connection goes to is said here, from addresses that were checked.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Timeout, Url

from .content_coding import Decoder, UnreadableCoding

LONGEST_REASON = 200
"""Characters: whoever answers something else than HTTP would be quoted in full, and it is kept with a webhook's tries."""

AddressesOf = Callable[[str, int, float], list[str]]
"""Host, port, seconds: the addresses that may be connected to. Raises TimeoutError or OutboundError."""


@dataclass(frozen=True)
class Limits:
    """Seconds until connected, between two pieces of the answer and for all of it; bytes (0: it is not read); redirects."""

    connect_s: float = 10
    silence_s: float = 20
    total_s: float = 60
    size: int = 50 * 2**20
    redirects: int = 5


DEFAULT_LIMITS = Limits()


class OutboundError(Exception):
    """There is no answer. The message goes on after the URL: `can't be reached: Connection refused`."""


class Refused(OutboundError):
    """The URL may not be asked, whoever would answer."""


@dataclass(frozen=True)
class Answer:
    """What a server said. Names in `headers` are in lower case."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def phrase(self) -> str:
        """As in `404 Not Found`."""
        with contextlib.suppress(ValueError):
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        return str(self.status)


class Trip:
    """The requests of one call, which end together when their time is over. Not for several threads."""

    def __init__(self, addresses: AddressesOf, limits: Limits) -> None:
        self.limits = limits
        self._addresses = addresses
        self._end = time.monotonic() + limits.total_s
        self._connected: socket.socket | None = None
        self._lock = threading.Lock()
        self._alarm = threading.Timer(limits.total_s, self._cut)
        self._alarm.daemon = True

    def __enter__(self) -> Trip:
        self._alarm.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._alarm.cancel()
        self._hold(None)

    def ask(self, target: Url, method: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One request and its answer, redirect or not."""
        limits = self.limits
        try:
            with _pool(target, self) as pool:
                sent = {"Accept-Encoding": "identity", **headers}
                response = pool.urlopen(
                    method, target.request_uri, body, sent, retries=False, redirect=False, preload_content=False
                )
                with contextlib.closing(response):
                    return Answer(
                        response.status,
                        b"".join(self._pieces(response)),
                        {name.lower(): value for name, value in response.headers.items()},
                    )
        except OutboundError:
            raise
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            if self._is_over():
                raise OutboundError(f"takes longer than {limits.total_s:g} s") from error
            if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
                connecting = isinstance(error, urllib3.exceptions.ConnectTimeoutError)
                seconds = limits.connect_s if connecting else limits.silence_s
                raise OutboundError(f"does not answer within {seconds:g} s") from error
            raise OutboundError(f"can't be reached: {reason_of(error)}") from error

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to one of the host's addresses that are open."""
        problem: OSError | None = None
        try:
            addresses = self._addresses(host, port, min(self.limits.connect_s, self._end - time.monotonic()))
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError from error
        for address in addresses:
            if self._is_over():
                break
            try:
                connected = socket.create_connection((address, port), self.limits.connect_s)
            except OSError as error:
                problem = error
                continue
            self._hold(connected.dup())  # TLS takes the other one away
            return connected
        if isinstance(problem, TimeoutError):
            raise urllib3.exceptions.ConnectTimeoutError from problem
        raise problem or TimeoutError

    def _pieces(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        if self.limits.size == 0:
            return
        too_large = f"is larger than {self.limits.size / 2**20:g} MiB"
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared) > self.limits.size:
            raise OutboundError(too_large)
        # read1 gives what has come, so that a server that drips can't hold us; urllib3 before 2.1 has only read.
        read = getattr(response, "read1", response.read)
        size = 0
        try:
            decoder = Decoder(response.headers.get("Content-Encoding", ""))
            while raw := read(2**16, decode_content=False):
                for piece in decoder.pieces(raw):
                    size += len(piece)
                    if size > self.limits.size:
                        raise OutboundError(too_large)
                    yield piece
                if self._is_over():
                    break
            else:
                decoder.close()
        except UnreadableCoding as error:
            raise OutboundError(str(error)) from error
        if self._is_over():  # what was cut off may look whole
            raise OutboundError(f"takes longer than {self.limits.total_s:g} s")

    def _is_over(self) -> bool:
        return time.monotonic() >= self._end

    def _hold(self, connected: socket.socket | None) -> None:
        with self._lock:
            if self._connected is not None:
                self._connected.close()
            self._connected = connected

    def _cut(self) -> None:
        """The time is over: who waits for another piece of a header or a body gets none."""
        with self._lock, contextlib.suppress(OSError):
            if self._connected is not None:
                self._connected.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    """Goes where the trip connects to, and nowhere else."""

    def __init__(self, *arguments: Any, trip: Trip, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._trip = trip

    def _new_conn(self) -> socket.socket:
        connected = self._trip.connect(self.host, self.port)
        connected.settimeout(self._trip.limits.silence_s)  # TLS has a word to say before urllib3 sets it
        return connected


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS on top, for the name that was asked for."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _pool(target: Url, trip: Trip) -> HTTPConnectionPool:
    limits = trip.limits
    timeout = Timeout(connect=limits.connect_s, read=limits.silence_s)
    host = target.host or ""
    if target.scheme == "https":
        return _TlsPool(host, target.port, timeout=timeout, maxsize=1, ssl_context=_trusted(), trip=trip)
    return _Pool(host, target.port, timeout=timeout, maxsize=1, trip=trip)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom the system trusts, and the usual ones: some Pythons come without any."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def reason_of(error: BaseException) -> str:
    """What the system said, without the wrapping of the libraries in between."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"
