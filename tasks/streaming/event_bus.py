"""Carries events from the worker thread to the bus's own thread, which runs the handlers. Emitting is one put on a queue."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable

from ..model.events import Event, Preview

log = logging.getLogger("fooocus_api.events")

Handler = Callable[[Event], None]


class EventBus:
    """Takes events from any thread and passes each to the handlers, in order."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._handlers: list[Handler] = []
        self._thread = threading.Thread(target=self._run, name="fooocus-api-events", daemon=True)

    def start(self, *handlers: Handler) -> None:
        """Start the bus's thread. It handles events emitted before the start first."""
        self._handlers = list(handlers)
        self._thread.start()

    def stop(self, within_s: float | None = None) -> None:
        """Handle the events emitted so far, then end the bus's thread. Wait at most `within_s` seconds for it."""
        self._events.put(None)
        if self._thread.is_alive():
            self._thread.join(within_s)

    def emit(self, event: Event) -> None:
        """Queue an event for the handlers. Never waits, never raises; any thread."""
        self._events.put(event)

    def _run(self) -> None:
        waiting: deque[Event | None] = deque()
        while True:
            if not waiting:
                waiting.append(self._events.get())
            while not self._events.empty():
                waiting.append(self._events.get())
            event = waiting.popleft()
            if event is None:
                return
            if isinstance(event, Preview) and _is_outdated(event, waiting):
                event = event.without_image()
            for handler in self._handlers:
                try:
                    handler(event)
                except BaseException:  # even SystemExit: without this thread no task would ever end
                    log.exception(
                        "event handling failed", extra={"task_id": event.task_id, "kind": type(event).__name__}
                    )


def _is_outdated(preview: Preview, waiting: deque[Event | None]) -> bool:
    """Return whether a newer preview of the task is queued already: then this one need not be encoded."""
    return any(isinstance(event, Preview) and event.task_id == preview.task_id for event in waiting)
