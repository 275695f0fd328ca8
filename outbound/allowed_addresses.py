"""Resolves the hosts of outbound requests to the addresses that the policy allows."""

from __future__ import annotations

import socket

from .address_policy import AddressPolicy
from .pinned_connection import BlockedAddress, OutboundError, UnknownHost
from .resolver import addresses_of

CLOSED = "is not allowed: its address is private or unknown (see --allow-private-urls)"


class AllowedAddresses:
    """Look-up of a host. Any thread."""

    def __init__(self, policy: AddressPolicy, closed: str = CLOSED) -> None:
        """Store the policy. `closed` is the message for a host without an allowed address."""
        self._policy = policy
        self._closed = closed

    def of(self, host: str, port: int, within_s: float) -> list[str]:
        """Return the addresses that may be connected to, in the resolver's order.

        Raises:
            UnknownHost: the resolver does not know the name.
            BlockedAddress: it has no address that is allowed, or can't be a name.
            OutboundError: the name can't be resolved at the moment.
            TimeoutError: it is not resolved in time.
        """
        try:
            found = addresses_of(host, port, within_s)
        except TimeoutError:
            raise
        except UnicodeError as error:
            raise BlockedAddress(self._closed) from error
        except OSError as error:
            # The message for a private address: it must not reveal which names exist in a network.
            raise (UnknownHost if _is_unknown(error) else OutboundError)(self._closed) from error
        addresses = self._policy.open_among(found)
        if not addresses:
            raise BlockedAddress(self._closed)
        return addresses


def _is_unknown(error: OSError) -> bool:
    """Return whether the resolver says that the name does not exist."""
    unknown = (getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA"))
    return isinstance(error, socket.gaierror) and error.errno in unknown
