"""The duties that only one process of a cluster has: deliveries, batches, retention and the index of words."""

from __future__ import annotations

from collections.abc import Callable

from .model.gaps import complain


class Duty:
    """The duties as this process has them now, or not. Without a cluster it always does. Any thread."""

    def __init__(self, *, is_mine: bool = True) -> None:
        """Begin with the duties, or without them until `taken` is called."""
        self._is_mine = is_mine
        self._listeners: list[Callable[[], None]] = []

    def is_mine(self) -> bool:
        """Return whether this process has the duties now."""
        return self._is_mine

    def call(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time that this process takes the duties, on the thread that calls `taken`. It may block."""
        self._listeners.append(listener)

    def taken(self) -> None:
        """Take the duties, and start what is due. May block for the database."""
        self._is_mine = True
        self.look_again()

    def look_again(self) -> None:
        """Start what another process has made due since, if this process has the duties. May block for the database."""
        for listener in self._listeners if self._is_mine else ():
            try:
                listener()
            except Exception:
                complain("a duty of the cluster, tried again later")

    def lost(self) -> None:
        """Give the duties up: start nothing more. What has begun may end."""
        self._is_mine = False
