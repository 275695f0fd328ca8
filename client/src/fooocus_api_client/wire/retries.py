"""Decides whether a request is sent again, and after what pause."""

from __future__ import annotations

import random
from typing import Optional

from .errors import ConnectionFailed
from .problems import retry_after_of
from .request import Answer, Request

DEFAULT_RETRIES = 4
FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
"""Seconds. A server that asks for a longer pause, such as one until tomorrow's quota, gets no further attempt."""
TEMPORARY = (429, 502, 503, 504)
"""Statuses that may be gone at the next attempt. The server answers 429 and 503 before it has done anything."""
LASTING = ("api_unavailable", "quota_exceeded")
"""Codes of problems with such a status that a pause does not solve."""


class Attempts:
    """The attempts of one request: pauses double, and vary so that many clients do not return at the same moment."""

    def __init__(self, request: Request, retries: int = DEFAULT_RETRIES) -> None:
        self._request = request
        self._retries = retries
        self._failed = 0

    def succeeded(self) -> None:
        """Begin to count again: a stream has received something."""
        self._failed = 0

    def after_answer(self, answer: Answer) -> Optional[float]:
        """Return the seconds until the next attempt, None if this answer is the last."""
        if answer.status not in TEMPORARY or self._failed >= self._retries:
            return None
        if answer.status in (502, 504) and not self._request.repeatable:
            return None
        if any(f'"{code}"'.encode() in answer.content for code in LASTING):
            return None
        wanted = retry_after_of(answer)
        if wanted is not None and wanted > MAX_PAUSE_S:
            return None
        return max(wanted or 0.0, self._pause())

    def after_error(self, url: str, error: Exception, *, was_sent: bool) -> float:
        """Return the seconds until the next attempt after a connection failed.

        Raises:
            ConnectionFailed: there is no further attempt.
        """
        if self._failed >= self._retries or (was_sent and not self._request.repeatable):
            reason = str(error) or type(error).__name__
            raise ConnectionFailed(f"{url} can't be reached: {reason}; is Fooocus running there?") from error
        return self._pause()

    def _pause(self) -> float:
        pause = min(FIRST_PAUSE_S * 2.0**self._failed, MAX_PAUSE_S)
        self._failed += 1
        return pause * random.uniform(0.75, 1.25)  # nosec B311  # no secret
