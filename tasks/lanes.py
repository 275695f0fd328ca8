"""Work for many receivers: at its time, one piece at once for each, and none waits behind another's. Called by `webhooks`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .task import now_ms

MOST_AT_ONCE = 16


class Lanes:
    """Knows when the next piece is due in each lane. A thread sleeps until then; nobody looks at the clock meanwhile.

    Times are milliseconds since 1970. All threads are daemons: whoever hangs in a lane does not keep the process alive.
    """

    def __init__(self, work: Callable[[str], None]) -> None:
        """`work(lane)` is called on a thread of its own; whatever comes of it, `done` must follow."""
        self._work = work
        self._due: dict[str, int] = {}
        self._not_before: dict[str, int] = {}
        self._busy: set[str] = set()
        self._hurried: set[str] = set()
        self._closed = False
        self._changed = threading.Condition()

    def start(self, due: dict[str, int]) -> None:
        """Begin, with what is due in which lane, beside that which `wake` has told before."""
        for lane, due_at in due.items():
            self.wake(lane, due_at)
        threading.Thread(target=self._run, name="fooocus-api-webhooks", daemon=True).start()

    def wake(self, lane: str, due_at: int, *, at_once: bool = False) -> None:
        """Something is due then. `at_once` ends a pause that `done` has told, or will tell of the piece at hand."""
        with self._changed:
            self._due[lane] = min(due_at, self._due.get(lane, due_at))
            if at_once:
                self._not_before.pop(lane, None)
                if lane in self._busy:
                    self._hurried.add(lane)
            self._changed.notify()

    def done(self, lane: str, due_at: int | None, *, not_before: int | None = None) -> None:
        """The piece is done. The lane's next is due at `due_at`, as far as is known here, and nothing in it `not_before`."""
        with self._changed:
            self._busy.discard(lane)
            if due_at is not None:
                self._due[lane] = min(due_at, self._due.get(lane, due_at))
            if not_before is not None and lane not in self._hurried:
                self._not_before[lane] = not_before
            self._hurried.discard(lane)
            self._changed.notify()

    def close(self) -> None:
        """Begin nothing more. What is being done is left alone."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                free = sorted((self._time(lane), lane) for lane in self._due if lane not in self._busy)
                now = now_ms()
                for time, lane in free[: MOST_AT_ONCE - len(self._busy)]:
                    if time <= now:
                        self._begin(lane)
                self._changed.wait(self._pause(now))

    def _time(self, lane: str) -> int:
        return max(self._due[lane], self._not_before.get(lane, 0))

    def _begin(self, lane: str) -> None:
        self._busy.add(lane)
        del self._due[lane]  # what `wake` tells from now on is not forgotten by `done`
        self._not_before.pop(lane, None)
        threading.Thread(target=self._work, args=(lane,), name="fooocus-api-webhook", daemon=True).start()

    def _pause(self, now: int) -> float | None:
        """Seconds until the next is due; None where only a call can change anything."""
        if len(self._busy) >= MOST_AT_ONCE:
            return None
        times = [self._time(lane) for lane in self._due if lane not in self._busy]
        return max(min(times) - now, 0) / 1000 if times else None
