"""Which addresses may be asked for what a client names: the public internet, and what the owner of this machine allows."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import psutil

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_CLOSED_V4 = [
    ip_network(text)
    for text in (
        "100.64.0.0/10",  # behind a carrier's NAT; Alibaba's metadata
        "168.63.129.16/32",  # Azure's own services, though the address is public
        "192.0.0.0/24",  # for protocols, Oracle's metadata; older Pythons know a part of it only
        "192.88.99.0/24",  # relays of 6to4
        "224.0.0.0/4",  # multicast
    )
]
"""What the standard library takes for public, or did in Python 3.10."""
_UNICAST_V6 = ip_network("2000::/3")
"""All public IPv6 is in here: everything else is closed."""
_CLOSED_V6 = [
    ip_network(text)
    for text in (
        "2001::/23",  # Teredo, which hides an IPv4 address, and others for protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4, which hides one, too
        "3fff::/20",
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressPolicy:
    """Says which addresses are open. `allowed` are networks that are, although they are private or our own."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def open_among(self, addresses: Iterable[str]) -> list[str]:
        """Those that may be connected to, in their order. They are as the resolver gives them, with or without a zone."""
        own = set(_own_addresses())
        return [text for text in addresses if self._is_open(_plain(text), own)]

    def _is_open(self, address: Address, own: set[Address]) -> bool:
        if any(address.version == network.version and address in network for network in self._allowed):
            return True
        return _is_public(address) and address not in own


def _plain(text: str) -> Address:
    """The address that is really met: without its zone, and the IPv4 address inside an IPv6 one that only wraps it."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_V4)
    return address in _UNICAST_V6 and not any(address in network for network in _CLOSED_V6)


def _own_addresses() -> Iterator[Address]:
    """Those of this machine's interfaces at this moment."""
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                yield _plain(entry.address)


def without_userinfo(url: str) -> str:
    """Return a URL as it may be shown: a user and a password in it are for its server alone."""
    scheme, slashes, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" not in authority:
        return url
    return f"{scheme}{slashes}***@{authority.rpartition('@')[2]}{rest.removeprefix(authority)}"
