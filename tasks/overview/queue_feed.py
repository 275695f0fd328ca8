"""Publishes the queue to the subscribers that want it, at each change, at most twice a second. A thread of its own."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ..model import events
from ..model.active_tasks import ActiveTask
from ..streaming.broadcaster import Broadcaster
from .queue_view import QueueView, QueueViews

log = logging.getLogger("fooocus_api.events")

QUIET_S = 0.05
"""Seconds from a change to its publication: changes often come together."""
INTERVAL_S = 0.5
"""Seconds between two publications."""
CHANGES = (events.Queued, events.Started, events.Moved, events.Ended)


class QueueFeed:
    """Observes the events of tasks. A change costs nothing without subscribers."""

    def __init__(self, broadcaster: Broadcaster, views: QueueViews) -> None:
        self._broadcaster = broadcaster
        self._views = views
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._last: dict[str | None, object] = {}
        self._is_outdated = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Note a change of the queue."""
        if isinstance(event, CHANGES):
            self.change()

    def change(self) -> None:
        """Publish the queue soon. Any thread."""
        if not self._broadcaster.views("queue"):
            self._is_outdated = True  # a later subscriber begins with another state than the last published one
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fooocus-api-queue", daemon=True)
                self._thread.start()
        self._changed.set()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._changed.set()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            if self._closed.wait(QUIET_S):
                return
            self._changed.clear()
            try:
                self._publish()
            except Exception:
                log.exception("queue not published")
            if self._closed.wait(INTERVAL_S - QUIET_S):
                return

    def _publish(self) -> None:
        last, self._last = {} if self._is_outdated else self._last, {}
        self._is_outdated = False
        for only in self._broadcaster.views("queue"):
            view = self._views.view(only)
            self._last[only] = content = _identity(view)
            if last.get(only) != content:
                self._broadcaster.announce_to(only, "queue", view)


def _identity(view: QueueView) -> Any:
    """Return the parts of a view whose change is an event: all but the ETAs."""
    running = [task.task_id for task in view.running]
    waiting = [(one.task.task_id, one.position, one.pick) for one in view.waiting]
    return view.paused, running, waiting, view.waiting_total, view.others
