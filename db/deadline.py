"""Time limit of a shutdown, shared by the parts that stop one after the other."""

from __future__ import annotations

import time


class Deadline:
    """A moment some seconds from now; None means no limit."""

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Return the remaining seconds, as `join` and `wait` take them; None without a limit."""
        return None if self._at is None else max(self._at - time.monotonic(), 0.0)

    def half(self) -> float | None:
        """Return half of the remaining seconds, for a part that must leave time for the next."""
        left = self.left()
        return None if left is None else left / 2
