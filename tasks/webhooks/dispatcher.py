"""Schedules webhook deliveries: at most one in flight per receiver, receivers in parallel."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ..model.task import now_ms

log = logging.getLogger("fooocus_api.webhooks")

MAX_IN_FLIGHT = 16
MAX_PAUSE_S = 60
"""Seconds of one pause: a clock that was wrong at the start is corrected while the thread sleeps."""
THREAD_PAUSE_MS = 5_000
"""Pause of a receiver after the system has started no thread for its work."""


class PerReceiverDispatcher:
    """Runs the work of each receiver (one per receiver) when it is due. A thread sleeps until then.

    Times are milliseconds since 1970. All threads are daemons: a hanging delivery does not keep the process alive.
    """

    def __init__(self, work: Callable[[str], None]) -> None:
        """Run `work(receiver)` on a new thread each time. It must end with a call of `done`, also after an error."""
        self._work = work
        self._due: dict[str, int] = {}
        self._not_before: dict[str, int] = {}
        self._busy: set[str] = set()
        self._expedited: set[str] = set()
        self._closed = False
        self._changed = threading.Condition()

    def start(self, due: dict[str, int]) -> None:
        """Start the thread, with the due times by receiver. Those of earlier `wake` calls stay."""
        for receiver, due_at in due.items():
            self.wake(receiver, due_at)
        threading.Thread(target=self._run, name="fooocus-api-webhooks", daemon=True).start()

    def wake(self, receiver: str, due_at: int, *, immediately: bool = False) -> None:
        """Schedule work of a receiver.

        `immediately` overrides the `not_before` of the last `done`, or of the next one during work.
        """
        with self._changed:
            self._due[receiver] = min(due_at, self._due.get(receiver, due_at))
            if immediately:
                self._not_before.pop(receiver, None)
                if receiver in self._busy:
                    self._expedited.add(receiver)
            self._changed.notify()

    def done(self, receiver: str, due_at: int | None, *, not_before: int | None = None) -> None:
        """Mark a receiver's work as done. The next is due at `due_at`, None if unknown, and starts at `not_before` or later."""
        with self._changed:
            self._busy.discard(receiver)
            if due_at is not None:
                self._due[receiver] = min(due_at, self._due.get(receiver, due_at))
            if not_before is not None and receiver not in self._expedited:
                self._not_before[receiver] = not_before
            self._expedited.discard(receiver)
            self._changed.notify()

    def close(self) -> None:
        """Start no more work. Work in flight continues."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                free = sorted((self._time(receiver), receiver) for receiver in self._due if receiver not in self._busy)
                now = now_ms()
                for time, receiver in free[: MAX_IN_FLIGHT - len(self._busy)]:
                    if time <= now:
                        self._begin(receiver)
                self._changed.wait(self._pause(now))

    def _time(self, receiver: str) -> int:
        return max(self._due[receiver], self._not_before.get(receiver, 0))

    def _begin(self, receiver: str) -> None:
        self._busy.add(receiver)
        del self._due[receiver]  # before the work, so that a `wake` during it stays
        self._not_before.pop(receiver, None)
        try:
            threading.Thread(target=self._work, args=(receiver,), name="fooocus-api-webhook", daemon=True).start()
        except (
            RuntimeError
        ) as error:  # the system starts no more threads; the deliveries of all receivers must survive that
            log.warning("webhook delayed", extra={"receiver": receiver, "problem": str(error)})
            self._busy.discard(receiver)
            self._due[receiver] = now_ms() + THREAD_PAUSE_MS

    def _pause(self, now: int) -> float | None:
        """Return the seconds until the next work is due, None to sleep until a call changes the schedule."""
        if len(self._busy) >= MAX_IN_FLIGHT:
            return None
        times = [self._time(receiver) for receiver in self._due if receiver not in self._busy]
        return min(max(min(times) - now, 0) / 1000, MAX_PAUSE_S) if times else None
