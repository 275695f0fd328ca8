"""HTTP to servers that clients name, for image URLs and webhooks. Blocking: call it off the event loop.

The client resolves the name once, validates its addresses, and connects to one of those, so that DNS rebinding has no effect.
Each redirect is a new request with the same validation. TLS still verifies the name. Proxies of the environment are ignored: they
would resolve the name themselves.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Mapping
from urllib.parse import unquote, urljoin

import urllib3
from urllib3.util import Url, parse_url

from .address_policy import AddressPolicy
from .pinned_connection import DEFAULT_LIMITS, BlockedAddress, Exchange, OutboundError, OutboundResponse, RequestLimits
from .resolver import addresses_of

USER_AGENT = "fooocus-api"
CLOSED = "is not allowed: its address is private or unknown (see --allow-private-urls)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class OutboundClient:
    """Sends requests to the addresses that the policy allows. Any thread."""

    def __init__(self, policy: AddressPolicy | None = None) -> None:
        self._policy = policy or AddressPolicy()

    def validate_url(self, url: str, limits: RequestLimits = DEFAULT_LIMITS) -> None:
        """Resolve and validate the URL without sending a request.

        Raises:
            BlockedAddress: the URL is not http(s), its name is unknown, or it has no address that is allowed.
            OutboundError: the name can't be resolved at the moment, or not in time.
        """
        target = _parsed(url)
        seconds = min(limits.connect_s, limits.total_s)
        try:
            self._addresses(target.host or "", target.port or 0, seconds)
        except TimeoutError as error:
            raise OutboundError(f"does not answer within {seconds:g} s") from error

    def request(
        self,
        url: str,
        method: str = "GET",
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limits: RequestLimits = DEFAULT_LIMITS,
    ) -> OutboundResponse:
        """Send a request, follow redirects and return the answer; if `limits` allow no redirects, return the first answer as it
        is.

        User and password in the URL are sent as Basic authentication, and to no other server.

        Raises:
            BlockedAddress: this URL, or one that it redirects to, may not be requested.
            OutboundError: no answer, too late, too large, or too many redirects.
        """
        with Exchange(self._addresses, limits) as exchange:
            target = _parsed(url)
            sent = {"User-Agent": USER_AGENT, **(headers or {}), **_credentials(target)}
            for _ in range(limits.redirects + 1):
                answer = exchange.send(target, method, body, sent)
                location = answer.headers.get("location")
                if limits.redirects == 0 or answer.status not in _REDIRECTS or location is None:
                    return answer
                before, target = target, _redirected(target, location)
                if target.netloc != before.netloc or target.scheme != before.scheme:
                    sent.pop("Authorization", None)
                if answer.status not in (307, 308):
                    method, body = "GET", None
            raise OutboundError(f"redirects more than {limits.redirects} times")

    def _addresses(self, host: str, port: int, within_s: float) -> list[str]:
        try:
            found = addresses_of(host, port, within_s)
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            # The message for a private address: it must not reveal which names exist in a network.
            raise (BlockedAddress if _is_unknown(error) else OutboundError)(CLOSED) from error
        addresses = self._policy.open_among(found)
        if not addresses:
            raise BlockedAddress(CLOSED)
        return addresses


def _is_unknown(error: Exception) -> bool:
    """Return whether the resolver is certain that the name does not exist."""
    unknown = (getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA"))
    return isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno in unknown)


def _parsed(url: str) -> Url:
    try:
        target = parse_url(url)
    except urllib3.exceptions.LocationParseError as error:
        raise BlockedAddress("is not a URL") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise BlockedAddress("is not an http or https URL")
    return target._replace(fragment=None, port=target.port or {"http": 80, "https": 443}[target.scheme])


def _redirected(target: Url, location: str) -> Url:
    try:
        return _parsed(urljoin(target.url, location))
    except ValueError as error:
        raise BlockedAddress("redirects to an invalid URL") from error


def _credentials(target: Url) -> dict[str, str]:
    if not target.auth:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(unquote(target.auth).encode()).decode()}"}
