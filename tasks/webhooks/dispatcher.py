"""Schedules webhook deliveries: at most one in flight per receiver, receivers in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..model.task import now_ms

MAX_AT_ONCE = 16


class PerReceiverDispatcher:
    """Runs the work of each lane (one per receiver) when it is due. A thread sleeps until then, without polling.

    Times are milliseconds since 1970. All threads are daemons: a hanging delivery does not keep the process alive.
    """

    def __init__(self, work: Callable[[str], None]) -> None:
        """Run `work(lane)` on a new thread each time. It must end with a call of `done`, also after an error."""
        self._work = work
        self._due: dict[str, int] = {}
        self._not_before: dict[str, int] = {}
        self._busy: set[str] = set()
        self._hurried: set[str] = set()
        self._closed = False
        self._changed = threading.Condition()

    def start(self, due: dict[str, int]) -> None:
        """Start the thread, with the due times by lane. Those of earlier `wake` calls stay."""
        for lane, due_at in due.items():
            self.wake(lane, due_at)
        threading.Thread(target=self._run, name="fooocus-api-webhooks", daemon=True).start()

    def wake(self, lane: str, due_at: int, *, at_once: bool = False) -> None:
        """Schedule work of a lane. `at_once` overrides the `not_before` of the last `done`, or of the next during work."""
        with self._changed:
            self._due[lane] = min(due_at, self._due.get(lane, due_at))
            if at_once:
                self._not_before.pop(lane, None)
                if lane in self._busy:
                    self._hurried.add(lane)
            self._changed.notify()

    def done(self, lane: str, due_at: int | None, *, not_before: int | None = None) -> None:
        """Mark a lane's work as done. Its next is due at `due_at`, None if unknown, and starts no earlier than `not_before`."""
        with self._changed:
            self._busy.discard(lane)
            if due_at is not None:
                self._due[lane] = min(due_at, self._due.get(lane, due_at))
            if not_before is not None and lane not in self._hurried:
                self._not_before[lane] = not_before
            self._hurried.discard(lane)
            self._changed.notify()

    def close(self) -> None:
        """Start no more work. Work in flight continues."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                free = sorted((self._time(lane), lane) for lane in self._due if lane not in self._busy)
                now = now_ms()
                for time, lane in free[: MAX_AT_ONCE - len(self._busy)]:
                    if time <= now:
                        self._begin(lane)
                self._changed.wait(self._pause(now))

    def _time(self, lane: str) -> int:
        return max(self._due[lane], self._not_before.get(lane, 0))

    def _begin(self, lane: str) -> None:
        self._busy.add(lane)
        del self._due[lane]  # before the work, so that a `wake` during it stays
        self._not_before.pop(lane, None)
        threading.Thread(target=self._work, args=(lane,), name="fooocus-api-webhook", daemon=True).start()

    def _pause(self, now: int) -> float | None:
        """Return the seconds until the next work is due, None to sleep until a call changes the schedule."""
        if len(self._busy) >= MAX_AT_ONCE:
            return None
        times = [self._time(lane) for lane in self._due if lane not in self._busy]
        return max(min(times) - now, 0) / 1000 if times else None
