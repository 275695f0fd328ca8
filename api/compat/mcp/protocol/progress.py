"""Progress of a call that only grows, as the protocol demands, and that shows a sign of life while nothing is finished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .errors import RequestId
from .messages import progress_body

SIGN_OF_LIFE_S = 10.0
"""Seconds without a change after which progress is reported nevertheless: clients give up a request after 60 without any."""


@dataclass(frozen=True)
class Reading:
    """The state of a call: steps that are done, of `total`, None while unknown, and words for it."""

    done: int
    total: int | None
    message: str


Observe = Callable[[], Awaitable[Reading]]


class Progress:
    """The progress that is reported of one call, in steps.

    Whole numbers are steps. Between two of them progress grows by a fraction that never reaches the next one, so that a change
    of the queue, and a long pause, can be reported, too. The last step is not reported, as the result follows it.
    """

    def __init__(self, token: RequestId, now: float) -> None:
        self._token = token
        self._floor = -1
        self._signs = 0
        self._message = ""
        self._sent_at = now

    def next(self, reading: Reading, now: float) -> dict[str, Any] | None:
        """Return the notification for a state, None if there is nothing to report."""
        total = None if reading.total is None else max(reading.total, self._floor + 1)
        done = reading.done if total is None else min(reading.done, total - 1)
        if done > self._floor:
            self._floor, self._signs = done, 0
        elif reading.message != self._message or now - self._sent_at >= SIGN_OF_LIFE_S:
            self._signs += 1
        else:
            return None
        self._message, self._sent_at = reading.message, now
        progress = self._floor + self._signs / (self._signs + 1) if self._signs else self._floor
        return progress_body(self._token, progress, total, reading.message)
