"""The limit of wrong keys for each address, in a body and in headers together."""

from __future__ import annotations

import hashlib
import threading
from ipaddress import IPv6Address, ip_network

from fastapi import Request

from ...auth.keyring import Keyring
from ...auth.keys import BrokenKeys, Key
from ...auth.rate_limit import LimitReached, RequestRate
from ..responses.problems import limit_problem

WRONG_KEYS_PER_MINUTE = 10
"""Wrong keys that one address may send: people choose short ones for the command line."""
RANDOM_KEY_LENGTH = 40
"""Length in bytes from which a key can't be guessed: it is accepted although the limit is reached, as all clients of a proxy may
have one address."""
MAX_REMEMBERED = 1000
"""Wrong keys that are remembered, of all addresses."""


class WrongKeys:
    """The limit of wrong keys for each address. Any thread.

    A key that is wrong again is no further guess: it counts by itself, so that a client with a wrong key in its settings does not
    use up the limit of others with its address.
    """

    def __init__(self) -> None:
        words = "limit of {most} wrong keys per minute for this address is reached"
        self._rate = RequestRate(limit="wrong_keys_per_minute", words=words)
        self._refused: dict[str, None] = {}
        """Addresses with the hash of a wrong key, the last refused one last."""
        self._lock = threading.Lock()

    def checked(self, keys: Keyring, request: Request, given: bytes) -> Key | None:
        """Return the key, None for a wrong one.

        Raises:
            Problem: 429, this address has sent too many.
            BrokenKeys: the keys can't be read.
        """
        address = _address(request)
        again = f"{address} {hashlib.sha256(given).hexdigest()}"
        counted = again if again in self._refused else address
        may_be_guessed = len(given) < RANDOM_KEY_LENGTH
        if may_be_guessed:
            self._take(counted)
        try:
            key = keys.find(given)
        except BrokenKeys:
            if may_be_guessed:
                self._rate.give_back(counted, WRONG_KEYS_PER_MINUTE)
            raise
        if key is not None:
            if may_be_guessed:
                self._rate.give_back(counted, WRONG_KEYS_PER_MINUTE)
            return key
        if not may_be_guessed:
            self._take(counted)
        self._remember(again)
        return None

    def _take(self, name: str) -> None:
        try:
            self._rate.take(name, WRONG_KEYS_PER_MINUTE)
        except LimitReached as error:
            raise limit_problem(error) from error

    def _remember(self, refused: str) -> None:
        with self._lock:
            self._refused.pop(refused, None)
            self._refused[refused] = None
            if len(self._refused) > MAX_REMEMBERED:
                del self._refused[next(iter(self._refused))]


WRONG_KEYS = WrongKeys()


def _address(request: Request) -> str:
    """Return the client's address; of IPv6 the network of 64 bits, in which one machine has any number of them."""
    host = request.client.host if request.client is not None else ""
    try:
        address = IPv6Address(host.partition("%")[0])
        return str(address.ipv4_mapped or ip_network(f"{address}/64", strict=False))
    except ValueError:
        return host
