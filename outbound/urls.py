"""URLs of outbound requests: their parts, the targets of redirects, and the credentials in them."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urljoin

import urllib3
from urllib3.util import Url, parse_url

from .pinned_connection import BlockedAddress

DEFAULT_PORTS = {"http": 80, "https": 443}


def parsed(url: str) -> Url:
    """Return the parts of an http or https URL, with its port and without its fragment.

    Raises:
        BlockedAddress: the text is not such a URL.
    """
    try:
        target = parse_url(url)
    except urllib3.exceptions.LocationParseError as error:
        raise BlockedAddress("is not a URL") from error
    if target.scheme not in DEFAULT_PORTS or not target.host:
        raise BlockedAddress("is not an http or https URL")
    return target._replace(fragment=None, port=target.port or DEFAULT_PORTS[target.scheme])


def redirected(target: Url, location: str) -> Url:
    """Return the URL to which a `Location` header leads.

    Raises:
        BlockedAddress: that is not an http or https URL.
    """
    try:
        return parsed(urljoin(target.url, location))
    except ValueError as error:
        raise BlockedAddress("redirects to an invalid URL") from error


def is_same_origin(one: Url, other: Url) -> bool:
    """Return whether two parsed URLs have the same scheme, host and port: only then credentials may follow a redirect."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def basic_credentials(target: Url) -> dict[str, str]:
    """Return the header for the user and password in a URL, nothing without them."""
    if not target.auth:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(unquote(target.auth).encode()).decode()}"}
