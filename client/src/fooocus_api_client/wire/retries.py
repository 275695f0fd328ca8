"""Decides whether a request is sent again, and after what pause."""

from __future__ import annotations

import random
import time
from typing import Callable, Optional

from .errors import ConnectionFailed
from .problems import retry_after_of
from .request import Answer, Request

DEFAULT_RETRIES = 4
FIRST_PAUSE_S = 0.5
PATIENCE_S = 300.0
"""Seconds for which a request that outlasts a restart of Fooocus is sent again; one takes 20 to 60."""
PATIENT_PAUSE_S = 5.0
MAX_PAUSE_S = 30.0
"""Seconds. A server that asks for a longer pause, such as one until tomorrow's quota, gets no further attempt."""
TEMPORARY = (429, 502, 503, 504)
"""Statuses that may be gone at the next attempt. The server answers 429 and 503 before it has done anything."""
LASTING = ("api_unavailable", "quota_exceeded")
"""Codes of problems with such a status that a pause does not solve."""
SHUTTING_DOWN = "shutting_down"
"""Code of a problem after which the server restarts, or ends."""


class Attempts:
    """The attempts of one request: pauses double, and vary so that many clients do not return at the same moment.

    Args:
        retries: further attempts; 0 also for requests that outlast a restart.
        reached: the server has answered before, so that it will probably return.
        clock: returns seconds.
    """

    def __init__(
        self,
        request: Request,
        retries: int = DEFAULT_RETRIES,
        *,
        reached: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._retries = retries
        self._reached = reached
        self._clock = clock
        self._failed = 0
        self._since = 0.0

    def succeeded(self) -> None:
        """Begin to count again: a stream has received something."""
        self._failed = 0
        self._reached = True

    def after_answer(self, answer: Answer) -> Optional[float]:
        """Return the seconds until the next attempt, None if this answer is the last."""
        if answer.status == 503 and f'"{SHUTTING_DOWN}"'.encode() in answer.content:
            self._reached = True
        if answer.status not in TEMPORARY or self._are_over():
            return None
        if answer.status in (502, 504) and not self._request.repeatable:
            return None
        if any(f'"{code}"'.encode() in answer.content for code in LASTING):
            return None
        wanted = retry_after_of(answer)
        if wanted is not None and wanted > MAX_PAUSE_S:
            return None
        return max(wanted or 0.0, self._pause())

    def after_error(self, url: str, error: Exception, *, was_sent: bool, is_final: bool = False) -> float:
        """Return the seconds until the next attempt after a connection failed.

        Args:
            is_final: the request can't be sent at all.

        Raises:
            ConnectionFailed: there is no further attempt.
        """
        if is_final:  # the text of the error may have the key
            raise ConnectionFailed(f"the request to {url} can't be sent; check its URL, key and headers") from None
        self._reached = self._reached or was_sent
        if self._are_over() or (was_sent and not self._request.repeatable):
            reason = str(error) or type(error).__name__
            raise ConnectionFailed(f"{url} can't be reached: {reason}; is Fooocus running there?") from error
        return self._pause()

    def _is_patient(self) -> bool:
        return self._request.outlasts and self._reached and self._retries > 0

    def _are_over(self) -> bool:
        if not self._failed:
            self._since = self._clock()
        if self._is_patient():
            return self._clock() - self._since > PATIENCE_S
        return self._failed >= self._retries

    def _pause(self) -> float:
        longest = PATIENT_PAUSE_S if self._is_patient() else MAX_PAUSE_S
        pause = min(FIRST_PAUSE_S * 2.0 ** min(self._failed, 10), longest)
        self._failed += 1
        return pause * random.uniform(0.75, 1.25)  # nosec B311  # no secret
