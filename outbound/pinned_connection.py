"""Sends one outbound HTTP request over connections pinned to validated addresses, within time and size limits.

urllib3 speaks HTTP and TLS; this module decides which address a connection goes to.
"""

from __future__ import annotations

import contextlib
import http.client
import math
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

MAX_REASON_LENGTH = 200
"""Characters. An answer that is not HTTP would otherwise be quoted in full, and stored with a webhook's attempts."""

AddressesOf = Callable[[str, int, float], list[str]]
"""Host, port, seconds → the addresses that may be connected to. Raises TimeoutError or OutboundError."""


@dataclass(frozen=True)
class RequestLimits:
    """Seconds to connect, between two pieces of the answer, and in total; bytes of the body (0: it is not read); redirects."""

    connect_s: float = 10
    silence_s: float = 20
    total_s: float = 60
    size: int = 50 * 2**20
    redirects: int = 5


DEFAULT_LIMITS = RequestLimits()


class OutboundError(Exception):
    """A request failed. The message continues the sentence after the URL: `can't be reached: Connection refused`."""


class BlockedAddress(OutboundError):
    """The URL may not be requested, regardless of what would answer."""


class UnknownHost(BlockedAddress):
    """The resolver does not know the URL's host. Windows and macOS also say so while they have no network."""


@dataclass(frozen=True)
class OutboundResponse:
    """A server's answer. Names in `headers` are in lower case."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def phrase(self) -> str:
        """The status and its phrase, as in `404 Not Found`."""
        with contextlib.suppress(ValueError):
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        return str(self.status)


class Exchange:
    """The requests of one call, redirects included, within one time limit. Not thread-safe."""

    def __init__(self, addresses: AddressesOf, limits: RequestLimits) -> None:
        self.limits = limits
        self._addresses = addresses
        self._end = time.monotonic() + limits.total_s
        self._connected: socket.socket | None = None
        self._lock = threading.Lock()
        self._aborted = False
        self._alarm: threading.Timer | None = None

    def __enter__(self) -> Exchange:
        if math.isfinite(self.limits.total_s):
            self._alarm = threading.Timer(self.limits.total_s, self.abort)
            self._alarm.daemon = True
            self._alarm.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._replace_socket(None)

    def send(self, target: Url, method: str, body: bytes | None, headers: Mapping[str, str]) -> OutboundResponse:
        """Send one request and return its answer, redirect or not.

        Raises:
            OutboundError: no answer, too late, or too large.
        """
        with self.opened(target, method, body, headers) as response:
            return OutboundResponse(response.status, b"".join(self._pieces(response)), headers_of(response))

    @contextlib.contextmanager
    def opened(
        self, target: Url, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send one request and yield its answer, redirect or not, with its body unread.

        Raises:
            OutboundError: no answer, or an error or a timeout in the `with` block.
        """
        limits = self.limits
        try:
            with _pool(target, self) as pool:
                sent = {"Accept-Encoding": "identity", **headers}
                response = pool.urlopen(
                    method, target.request_uri, body, sent, retries=False, redirect=False, preload_content=False
                )
                with contextlib.closing(response):
                    yield response
        except OutboundError:
            raise
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            if self._is_over():
                raise OutboundError(f"takes longer than {limits.total_s:g} s") from error
            if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
                connecting = isinstance(error, urllib3.exceptions.ConnectTimeoutError)
                seconds = limits.connect_s if connecting else limits.silence_s
                raise OutboundError(f"does not answer within {seconds:g} s") from error
            if _is_incomplete(error):
                raise OutboundError("closes the connection before the end of its answer") from error
            raise OutboundError(f"can't be reached: {reason_of(error)}") from error

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to one of the host's allowed addresses, tried in their order."""
        problem: OSError | None = None
        try:
            addresses = self._addresses(host, port, min(self.limits.connect_s, self._end - time.monotonic()))
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError from error
        for address in addresses:
            if self._is_over() or self._aborted:
                break
            try:
                connected = socket.create_connection((address, port), self.limits.connect_s)
            except OSError as error:
                problem = error
                continue
            self._replace_socket(connected.dup())  # TLS detaches the original socket
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
        # read1 returns what has arrived, so that a slow server can't hold us; urllib3 before 2.1 has only read.
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
        if self._is_over():  # a truncated body may look complete
            raise OutboundError(f"takes longer than {self.limits.total_s:g} s")

    def _is_over(self) -> bool:
        return time.monotonic() >= self._end

    def _replace_socket(self, connected: socket.socket | None) -> None:
        with self._lock:
            if self._connected is not None:
                self._connected.close()
            self._connected = connected
            if self._aborted and connected is not None:
                with contextlib.suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)

    def abort(self) -> None:
        """Shut the connection down, so that a thread that waits for a header or a body stops waiting. Any thread."""
        with self._lock, contextlib.suppress(OSError):
            self._aborted = True
            if self._connected is not None:
                self._connected.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    """Connects to the address that the exchange chooses, and to no other."""

    def __init__(self, *arguments: Any, exchange: Exchange, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._exchange = exchange

    def _new_conn(self) -> socket.socket:
        connected = self._exchange.connect(self.host, self.port)
        connected.settimeout(self._exchange.limits.silence_s)  # the TLS handshake precedes urllib3 setting it
        return connected


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS, verified for the requested name."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _pool(target: Url, exchange: Exchange) -> HTTPConnectionPool:
    limits = exchange.limits
    timeout = Timeout(connect=limits.connect_s, read=limits.silence_s)
    host = target.host or ""
    if target.scheme == "https":
        return _TlsPool(host, target.port, timeout=timeout, maxsize=1, ssl_context=_trusted(), exchange=exchange)
    return _Pool(host, target.port, timeout=timeout, maxsize=1, exchange=exchange)


@cache
def _trusted() -> ssl.SSLContext:
    """Return a TLS context with the system's certificates and certifi's: some Pythons come without any."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def headers_of(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    """Return the headers of an answer, with names in lower case."""
    return {name.lower(): value for name, value in response.headers.items()}


def _is_incomplete(error: BaseException | None) -> bool:
    """Return whether an answer ended before its announced length."""
    while error is not None:
        if isinstance(error, http.client.IncompleteRead):  # urllib3's own is one, too
            return True
        error = error.__cause__ or error.__context__
    return False


def reason_of(error: BaseException) -> str:
    """Return the system's error message, without the wrapping of libraries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return reason if len(reason) <= MAX_REASON_LENGTH else f"{reason[:MAX_REASON_LENGTH]}…"
