"""Rate limit: requests per minute, by name."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

MAX_BUCKETS = 10_000


class LimitReached(Exception):
    """A limit is exceeded: `limit` is its name, `most` its value, `retry_after` the seconds after which to retry."""

    def __init__(self, limit: str, most: int, retry_after: int, message: str) -> None:
        super().__init__(f"{message}; try again in {retry_after} s")
        self.limit = limit
        self.most = most
        self.retry_after = retry_after


class RequestRate:
    """Rate limit in requests per minute, with one token bucket per name that refills evenly. Any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        limit: str = "requests_per_minute",
        words: str = "limit of {most} requests per minute for this key is reached",
    ) -> None:
        """Start with full buckets.

        Args:
            clock: returns seconds.
            limit: the name of the limit, and `words` its meaning, for the error message.
        """
        self._clock = clock
        self._limit = limit
        self._words = words
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of buckets in memory."""
        return len(self._left)

    def take(self, name: str, most: int) -> None:
        """Count a request.

        Raises:
            LimitReached: the request exceeds the limit.
        """
        now = self._clock()
        with self._lock:
            left, since = self._left.get(name, (float(most), now))
            left = min(float(most), left + (now - since) * most / 60)
            if len(self._left) > MAX_BUCKETS:  # buckets unused for a minute are full
                self._left = {name: bucket for name, bucket in self._left.items() if now - bucket[1] < 60}
            self._left[name] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            seconds = math.ceil((1 - left) * 60 / most)
            raise LimitReached(self._limit, most, seconds, self._words.format(most=most))

    def give_back(self, name: str, most: int) -> None:
        """Take back a counted request, as one that the limit is not meant for."""
        with self._lock:
            if name in self._left:
                left, since = self._left[name]
                self._left[name] = (min(float(most), left + 1), since)
