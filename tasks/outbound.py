"""HTTP to servers that clients name: image URLs and webhooks. Blocking, so call it off the event loop.

The name is looked up once, its addresses are checked, and the connection goes to one that was checked: a name that means
something else a moment later changes nothing. Each redirect is a new request that is checked in the same way. TLS still
verifies the name. Proxies of the environment are passed by: they would look the name up themselves.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Mapping
from urllib.parse import unquote, urljoin

import urllib3
from urllib3.util import Url, parse_url

from .addresses import AddressPolicy
from .lookup import addresses_of
from .trip import DEFAULT_LIMITS, Answer, Limits, OutboundError, Refused, Trip

USER_AGENT = "fooocus-api"
CLOSED = "is refused: its address is unknown or private (see --allow-private-urls)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Outbound:
    """Asks the addresses that the policy leaves open. Any number of threads may use it."""

    def __init__(self, policy: AddressPolicy | None = None) -> None:
        self._policy = policy or AddressPolicy()

    def check(self, url: str, limits: Limits = DEFAULT_LIMITS) -> None:
        """Look the URL up and ask nobody.

        Raises:
            Refused: it is no http(s) URL, or leads to no address that is open.
            OutboundError: nobody knows its name, or not in time.
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
        limits: Limits = DEFAULT_LIMITS,
    ) -> Answer:
        """Any answer that is no redirect; redirects are followed, and the last is given when `limits` allow none.

        User and password in the URL are sent as Basic, and to no other server.

        Raises:
            Refused: this URL, or one it leads to, may not be asked.
            OutboundError: no answer, too late, too large, or too many redirects.
        """
        with Trip(self._addresses, limits) as trip:
            target = _parsed(url)
            sent = {"User-Agent": USER_AGENT, **(headers or {}), **_credentials(target)}
            for _ in range(limits.redirects + 1):
                answer = trip.ask(target, method, body, sent)
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
            # In the words for a private address: which names there are in a network is not for everyone to learn.
            raise (Refused if _is_unknown(error) else OutboundError)(CLOSED) from error
        addresses = self._policy.open_among(found)
        if not addresses:
            raise Refused(CLOSED)
        return addresses


def _is_unknown(error: Exception) -> bool:
    """Return True when the resolver knows for sure that there is no such name."""
    unknown = (getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA"))
    return isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno in unknown)


def _parsed(url: str) -> Url:
    try:
        target = parse_url(url)
    except urllib3.exceptions.LocationParseError as error:
        raise Refused("is not a URL") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise Refused("is not an http or https URL")
    return target._replace(fragment=None, port=target.port or {"http": 80, "https": 443}[target.scheme])


def _redirected(target: Url, location: str) -> Url:
    try:
        return _parsed(urljoin(target.url, location))
    except ValueError as error:
        raise Refused("redirects to what is not a URL") from error


def _credentials(target: Url) -> dict[str, str]:
    if not target.auth:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(unquote(target.auth).encode()).decode()}"}
