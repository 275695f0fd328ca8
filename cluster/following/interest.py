"""The tasks of other nodes whose progress is wanted here: by an open stream, or by requests that repeat."""

from __future__ import annotations

import threading
import time

from ...tasks.streaming.broadcaster import ALL, Broadcaster
from ..jobs.task_jobs import Claims
from ..messages.notices import ALL as EVERY_TASK
from ..messages.watcher import Watcher

POLLED_S = 30.0
"""Seconds for which a request for a task's progress counts: the next one usually comes sooner."""


class Interest:
    """Keeps the watcher's set of tasks up to date. Any thread; it never waits."""

    def __init__(self, events: Broadcaster, claims: Claims, watcher: Watcher) -> None:
        self._events = events
        self._claims = claims
        self._watcher = watcher
        self._polled: dict[str, float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Follow the subscriptions and the requests from now on."""
        self._events.call_on_change(self.refresh, self.polled)

    def polled(self, task_id: str) -> bool:
        """Note that a client has asked for the progress of a running task. Return whether another process has it."""
        if self._claims.get(task_id) is not None:
            return False
        with self._lock:
            is_new = task_id not in self._polled
            self._polled[task_id] = time.monotonic() + POLLED_S
        if is_new:
            self.refresh()
        return True

    def refresh(self) -> None:
        """Announce what is wanted now. Call it from time to time, so that what is not asked for any more is forgotten."""
        now = time.monotonic()
        with self._lock:
            self._polled = {task_id: until for task_id, until in self._polled.items() if until > now}
            wanted = dict.fromkeys(self._polled, True)
        for key, previews in self._events.watched().items():
            if key is ALL:
                wanted[EVERY_TASK] = previews
            elif self._claims.get(key) is None:
                wanted[key] = previews or wanted.get(key, False)
        self._watcher.watch(wanted)
