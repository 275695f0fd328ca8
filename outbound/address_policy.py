"""Policy for the addresses that URLs of clients may reach: the public internet, and what the owner of this machine allows."""

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
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "168.63.129.16/32",  # Azure's own services, though the address is public
        "192.0.0.0/24",  # for protocols, Oracle's metadata; older Pythons know only a part of it
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
    )
]
"""Blocked networks that the standard library considers public, or did in Python 3.10."""
_UNICAST_V6 = ip_network("2000::/3")
"""All public IPv6 addresses are in this network: all others are blocked."""
_CLOSED_V6 = [
    ip_network(text)
    for text in (
        "2001::/23",  # Teredo, which embeds an IPv4 address, and others for protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4, which embeds one, too
        "3fff::/20",
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressPolicy:
    """Decides which addresses may be reached. `allowed` lists networks that may although they are private or our own; without
    `public`, only those may."""

    def __init__(self, allowed: Iterable[Network] = (), *, public: bool = True) -> None:
        self._allowed = tuple(allowed)
        self._public = public

    def without_public(self) -> AddressPolicy:
        """Return the policy that allows the listed networks only."""
        return AddressPolicy(self._allowed, public=False)

    def open_among(self, addresses: Iterable[str]) -> list[str]:
        """Return the addresses that may be connected to, in their order. They are in the form of the resolver, with or without a
        zone."""
        own = set(_own_addresses())
        return [text for text in addresses if self._is_open(_plain(text), own)]

    def _is_open(self, address: Address, own: set[Address]) -> bool:
        if any(address.version == network.version and address in network for network in self._allowed):
            return True
        return self._public and _is_public(address) and address not in own


def _plain(text: str) -> Address:
    """Return the address that is really reached: without its zone, and the IPv4 address if an IPv6 address only wraps one."""
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
    """Yield the current addresses of this machine's interfaces."""
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                yield _plain(entry.address)


def without_userinfo(url: str) -> str:
    """Return a URL as it may be shown: user and password, which are for its server only, are masked."""
    scheme, slashes, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" not in authority:
        return url
    return f"{scheme}{slashes}***@{authority.rpartition('@')[2]}{rest.removeprefix(authority)}"
