"""Limits the memory that clients' data occupies, over all concurrent requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ...asgi.error_codes import ErrorCode
from ..responses.problems import Problem


class MemoryBudget:
    """Bytes that all requests share; `left` is the unreserved rest."""

    def __init__(self, size: int) -> None:
        self.left = size
        self._lock = threading.Lock()

    @contextmanager
    def reservation(self) -> Iterator[Reservation]:
        """Yield one request's reservation, released when the `with` block ends."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            reservation.release()

    def reserve(self, size: int) -> bool:
        """Reserve bytes. Return whether enough was left. Any thread."""
        with self._lock:
            if size > max(self.left, 0):
                return False
            self.left -= size
            return True

    def release(self, size: int) -> None:
        """Give reserved bytes back. Any thread."""
        with self._lock:
            self.left += size


class Reservation:
    """The bytes that one request has reserved, `size` of them."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Reserve more bytes.

        Raises:
            Problem: 503, the budget is exhausted.
        """
        if not self._budget.reserve(size):
            raise Problem(
                ErrorCode.SERVER_BUSY,
                "too many large requests are in progress; try again later",
                headers={"Retry-After": "5"},
            )
        self.size += size

    def release(self) -> None:
        """Give all bytes back."""
        self._budget.release(self.size)
        self.size = 0


BODY_BUDGET = MemoryBudget(2**30)
"""Budget of bodies, from the first byte until what they ask for is queued, or the response."""
IMAGE_BUDGET = MemoryBudget(2**30)
"""Budget of pictures that wait for a tool's model."""
