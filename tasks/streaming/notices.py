"""Notices: events beyond a task's own life, for the subscribers that ask for them. They have no number of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

NoticeKind = Literal["queue", "deleted", "moved", "download", "model", "stats"]
NOTICE_KINDS: tuple[NoticeKind, ...] = ("queue", "deleted", "moved", "download", "model", "stats")
STATES = ("queue", "download", "model", "stats")
"""Kinds of which only the newest matters. The others are replayed."""
MAX_NOTICES = 500
"""Notices that are kept for replay, and that a subscriber may leave unread, before the oldest are dropped."""


@dataclass(frozen=True)
class Notice:
    """A notice. `content` depends on its kind; `source` is the one whose tasks it is about, None for everyone.

    `after` is the number of the last update before it. Of a state, a newer notice with the same `key` supersedes an older one.
    """

    kind: NoticeKind
    content: Any
    source: str | None = None
    key: Hashable = None
    after: int = 0


class UnreadNotices:
    """The unread notices of one subscriber, of which a newer state replaces an older one."""

    def __init__(self) -> None:
        self._unread: deque[Notice] = deque()
        self._has_dropped = False

    def __bool__(self) -> bool:
        return bool(self._unread)

    def add(self, notice: Notice) -> None:
        """Add a notice behind the others."""
        if notice.kind in STATES:
            same = [one for one in self._unread if (one.kind, one.key) == (notice.kind, notice.key)]
            for one in same:
                self._unread.remove(one)
        if len(self._unread) >= MAX_NOTICES:
            self._has_dropped = self._unread.popleft().kind not in STATES or self._has_dropped
        self._unread.append(notice)

    def take(self) -> Notice:
        """Remove and return the oldest."""
        return self._unread.popleft()

    def take_dropped(self) -> bool:
        """Return whether notices other than states were dropped since the last call."""
        dropped, self._has_dropped = self._has_dropped, False
        return dropped

    def clear(self) -> None:
        """Discard all."""
        self._unread.clear()
        self._has_dropped = False


class KeptNotices:
    """The last notices that are no states, for subscribers that return. One thread at a time."""

    def __init__(self) -> None:
        self._kept: deque[Notice] = deque()
        self._lost = -1

    def add(self, notice: Notice) -> None:
        """Keep a notice, unless it is a state."""
        if notice.kind in STATES:
            return
        if len(self._kept) >= MAX_NOTICES:
            self._lost = self._kept.popleft().after
        self._kept.append(notice)

    def since(self, number: int) -> tuple[list[Notice], bool]:
        """Return the notices since an update, and whether others are lost."""
        return [notice for notice in self._kept if notice.after >= number], self._lost >= number
