"""How much may be asked for: what is refused, with the limit's name and when to try again."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from ..db import sources
from .keys import KeyLimits
from .task import Task, TaskStatus, now_ms

MOST_BUCKETS = 10_000
DAY_MS = 24 * 3600 * 1000


class LimitReached(Exception):
    """More than may be asked for; `limit` is which limit, `most` its value, `retry_after` in how many seconds to try again."""

    def __init__(self, limit: str, most: int, retry_after: int, message: str) -> None:
        super().__init__(f"{message}; try again in {retry_after} s")
        self.limit = limit
        self.most = most
        self.retry_after = retry_after


class QueueFull(LimitReached):
    """As many tasks wait as may, whoever sent them."""

    def __init__(self, most: int, retry_after: int) -> None:
        super().__init__("max_pending", most, retry_after, f"{most} tasks wait already, no more may")


def charge(task: Task, within: KeyLimits, seconds_until_room: Callable[[], int]) -> None:
    """Count a new task, if its source may send it. On the writer's thread, in the transaction that adds the task.

    What was asked for stays counted, whatever becomes of the task.

    Raises:
        LimitReached: it may not.
    """
    source, most = task.source, within.pending_tasks
    if most is not None and sources.with_status(source, TaskStatus.PENDING.value) >= most:
        raise LimitReached("pending_tasks", most, seconds_until_room(), f"{most} tasks of this key wait, no more may")
    if (most := within.images_per_day) is None:
        return
    day, passed = divmod(now_ms(), DAY_MS)
    number, asked = int(task.parameters.get("image_number") or 1), sources.images_asked(source, day)
    if asked + number > most:
        rest = f"{asked} of them are used and {number} more are asked for"
        message = f"this key may have {most} images a day (UTC): {rest}"
        raise LimitReached("images_per_day", most, math.ceil((DAY_MS - passed) / 1000), message)
    sources.ask_for_images(source, day, number)


class RequestRate:
    """Requests a minute, by name: a bucket of as many, filled evenly. Any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        limit: str = "requests_per_minute",
        words: str = "this key may send {most} requests a minute",
    ) -> None:
        """Begin with full buckets.

        Args:
            clock: gives seconds.
            limit: the limit's name, and `words` its meaning, for those who reach it.
        """
        self._clock = clock
        self._limit = limit
        self._words = words
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, name: str, most: int) -> None:
        """Count a request.

        Raises:
            LimitReached: it is one too many.
        """
        now = self._clock()
        with self._lock:
            left, since = self._left.get(name, (float(most), now))
            left = min(float(most), left + (now - since) * most / 60)
            if len(self._left) > MOST_BUCKETS:  # those that nothing was taken of for a minute are full
                self._left = {name: bucket for name, bucket in self._left.items() if now - bucket[1] < 60}
            self._left[name] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            seconds = math.ceil((1 - left) * 60 / most)
            raise LimitReached(self._limit, most, seconds, self._words.format(most=most))
