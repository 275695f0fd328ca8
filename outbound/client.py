"""HTTP to servers that clients name, for image URLs and webhooks. Blocking: call it off the event loop.

The client resolves the name once, validates its addresses, and connects to one of those, so that DNS rebinding has no effect.
Each redirect is a new request with the same validation. TLS still verifies the name. Proxies of the environment are ignored: they
would resolve the name themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from .address_policy import AddressPolicy
from .allowed_addresses import AllowedAddresses
from .pinned_connection import DEFAULT_LIMITS, Exchange, OutboundError, OutboundResponse, RequestLimits
from .urls import basic_credentials, is_same_origin, parsed, redirected

USER_AGENT = "fooocus-api"
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class OutboundClient:
    """Sends requests to the addresses that the policy allows. Any thread."""

    def __init__(self, policy: AddressPolicy | None = None) -> None:
        self._addresses = AllowedAddresses(policy or AddressPolicy())

    def validate_url(self, url: str, limits: RequestLimits = DEFAULT_LIMITS) -> None:
        """Resolve and validate the URL without sending a request.

        Raises:
            BlockedAddress: the URL is not http(s), its name is unknown, or it has no address that is allowed.
            OutboundError: the name can't be resolved at the moment, or not in time.
        """
        target = parsed(url)
        seconds = min(limits.connect_s, limits.total_s)
        try:
            self._addresses.of(target.host or "", target.port or 0, seconds)
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
        with Exchange(self._addresses.of, limits) as exchange:
            target = parsed(url)
            sent = {"User-Agent": USER_AGENT, **(headers or {}), **basic_credentials(target)}
            for _ in range(limits.redirects + 1):
                answer = exchange.send(target, method, body, sent)
                location = answer.headers.get("location")
                if limits.redirects == 0 or answer.status not in REDIRECTS or location is None:
                    return answer
                before, target = target, redirected(target, location)
                if not is_same_origin(target, before):
                    sent.pop("Authorization", None)
                if answer.status not in (307, 308):
                    method, body = "GET", None
            raise OutboundError(f"redirects more than {limits.redirects} times")
