"""Opens large answers, such as model files: no limit of total time, one redirect at a time, and a switch that ends it.

A redirect to another scheme, host or port gets none of the caller's headers: they may be credentials, and some stores refuse a
signed URL that comes with an `Authorization`. Plain HTTP is only for the networks that the owner of this machine allows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3
from urllib3.util import Url

from .address_policy import AddressPolicy
from .allowed_addresses import AllowedAddresses
from .client import REDIRECTS, USER_AGENT
from .pinned_connection import BlockedAddress, Exchange, OutboundError, RequestLimits, UnknownHost, headers_of
from .urls import basic_credentials, is_same_origin, parsed, redirected

PIECE_BYTES = 2**18
STREAM_LIMITS = RequestLimits(connect_s=10, silence_s=60, total_s=math.inf, redirects=5)
PLAIN_HTTP = "is plain http, which is allowed only for addresses of --allow-private-urls; use https"


class StopSwitch:
    """Ends a stream from another thread, even while it waits for its server."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._exchange: Exchange | None = None
        self._lock = threading.Lock()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """End the stream, now or as soon as it begins."""
        with self._lock:
            self._stopped.set()
            if self._exchange is not None:
                self._exchange.abort()

    def wait(self, seconds: float) -> bool:
        """Wait, and return early if the stream is stopped. Return whether it is."""
        return self._stopped.wait(seconds)

    @contextmanager
    def guarding(self, exchange: Exchange) -> Iterator[None]:
        """Let `stop` end this exchange."""
        with self._lock:
            self._exchange = exchange
            if self._stopped.is_set():
                exchange.abort()
        try:
            yield
        finally:
            with self._lock:
                self._exchange = None


@dataclass(frozen=True)
class StreamedResponse:
    """A server's answer with its body unread. `headers` are the last answer's; `hops` are those of all, redirects included.
    Names are in lower case. `url` is the last address, which may contain credentials."""

    status: int
    url: str
    headers: Mapping[str, str]
    hops: tuple[Mapping[str, str], ...]
    response: urllib3.BaseHTTPResponse

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives, as it was sent, in at most `PIECE_BYTES` at a time.

        A body without a length may end early unnoticed: compare.

        Raises:
            OutboundError: by way of `StreamClient.open`, the connection broke or the server fell silent.
        """
        read = getattr(self.response, "read1", self.response.read)  # urllib3 before 2.1 has only read
        while piece := read(PIECE_BYTES, decode_content=False):
            yield piece


class StreamClient:
    """Sends GET requests to the addresses that the policy allows, and streams the answers. Any thread."""

    def __init__(self, policy: AddressPolicy, limits: RequestLimits = STREAM_LIMITS) -> None:
        self._secure = AllowedAddresses(policy)
        self._plain = AllowedAddresses(policy.without_public(), PLAIN_HTTP)
        self._limits = limits

    def validate_url(self, url: str) -> None:
        """Resolve and validate the URL without sending a request.

        Raises:
            BlockedAddress: the URL may not be requested.
            OutboundError: the name can't be resolved at the moment, or not in time.
        """
        target = parsed(url)
        try:
            self._addresses(target).of(target.host or "", target.port or 0, self._limits.connect_s)
        except TimeoutError as error:
            raise OutboundError(f"does not answer within {self._limits.connect_s:g} s") from error

    @contextmanager
    def open(
        self, url: str, headers: Mapping[str, str], credentials: Mapping[str, str], switch: StopSwitch
    ) -> Iterator[StreamedResponse]:
        """Send a request and yield the answer after all redirects.

        User and password in the URL are sent as Basic authentication, unless `credentials` has an `Authorization`.

        Args:
            headers: sent to every server on the way.
            credentials: headers for the origin of `url` only.

        Raises:
            UnknownHost: the resolver does not know the host of `url`.
            BlockedAddress: this URL, or one that it redirects to, may not be requested.
            OutboundError: no answer, too many redirects, or an error in the `with` block.
        """
        target, hops = parsed(url), []
        secret = dict(credentials)
        if "authorization" not in {name.lower() for name in secret}:
            secret |= basic_credentials(target)
        try:
            for _ in range(self._limits.redirects + 1):
                with Exchange(self._addresses(target).of, self._limits) as exchange, switch.guarding(exchange):
                    sent = {"User-Agent": USER_AGENT, **headers, **secret}
                    with exchange.opened(target, "GET", None, sent) as response:
                        hops.append(headers_of(response))
                        location = hops[-1].get("location")
                        if response.status not in REDIRECTS or location is None:
                            yield StreamedResponse(response.status, target.url, hops[-1], tuple(hops), response)
                            return
                before, target = target, redirected(target, location)
                if not is_same_origin(before, target):
                    secret = {}
        except UnknownHost as error:
            if hops:  # a server must not find out by redirects which names exist in a network
                raise BlockedAddress(str(error)) from error
            raise
        raise OutboundError(f"redirects more than {self._limits.redirects} times")

    def _addresses(self, target: Url) -> AllowedAddresses:
        return self._secure if target.scheme == "https" else self._plain
