"""The time that an end has left, shared by the parts that end one after the other."""

from __future__ import annotations

import time


class Deadline:
    """A moment some seconds from now; None is no limit."""

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left, as `join` and `wait` take them; None without a limit."""
        return None if self._at is None else max(self._at - time.monotonic(), 0.0)

    def half(self) -> float | None:
        """Return half of them, for a part that must leave some to those after it."""
        left = self.left()
        return None if left is None else left / 2
