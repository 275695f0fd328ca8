"""Name resolution with a timeout: the system's resolver has none that a caller could set."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # the built-in one from Python 3.11 on

MAX_AT_ONCE = 64
"""Concurrent look-ups. One that timed out counts until the resolver itself gives up."""
_slots = threading.BoundedSemaphore(MAX_AT_ONCE)


def addresses_of(host: str, port: int, within_s: float) -> list[str]:
    """Return a host's addresses in the resolver's order; an address is its own. Blocks for `within_s` seconds at most.

    Raises:
        TimeoutError: the resolver did not answer in time.
        OSError: the name can't be resolved.
        UnicodeError: the host can't be a name.
    """
    end = time.monotonic() + within_s
    found: Future[list[str]] = Future()
    if not _slots.acquire(timeout=max(within_s, 0)):
        raise TimeoutError("too many lookups are in progress")

    def look() -> None:
        try:
            entries = socket.getaddrinfo(_bare(host), port, type=socket.SOCK_STREAM)
            found.set_result([str(entry[4][0]) for entry in entries])
        except Exception as error:
            found.set_exception(error)
        finally:
            _slots.release()

    try:  # a daemon thread does not keep the process alive; a pool's threads would
        threading.Thread(target=look, name="fooocus-api-lookup", daemon=True).start()
    except RuntimeError as error:  # the system has no thread left
        _slots.release()
        raise OSError(str(error)) from error
    try:
        return found.result(max(end - time.monotonic(), 0))
    except FutureTimeout:
        raise TimeoutError(f"no answer within {within_s:g} s") from None


def _bare(host: str) -> str:
    """Return the host without the brackets of IPv6, and without the final dot, with which some systems do not know their own
    `localhost.`"""
    return host.strip("[]").removesuffix(".")
