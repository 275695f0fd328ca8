"""From the worker thread into the house. Emitting is one put on a queue; all else happens on the bus's own thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable

from .events import Event, Preview, Progress

log = logging.getLogger("fooocus_api.events")

Handler = Callable[[Event], None]


class EventBus:
    """Takes events from any thread and hands each to the handlers, in order."""

    def __init__(self) -> None:
        self.count = 0
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._handlers: list[Handler] = []
        self._thread = threading.Thread(target=self._run, name="fooocus-api-events", daemon=True)

    def start(self, *handlers: Handler) -> None:
        """Begin to hand out events. What was emitted before is handed out first."""
        self._handlers = list(handlers)
        self._thread.start()

    def stop(self, within_s: float | None = None) -> None:
        """Hand out what has been emitted so far, then end the bus's thread; return after so many seconds anyway."""
        self._events.put(None)
        if self._thread.is_alive():
            self._thread.join(within_s)

    def emit(self, event: Event) -> None:
        """Tell that something happened. Never waits, never raises; any thread."""
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
                event = Progress(event.task_id, event.percent, event.title, is_step=event.is_step, at=event.at)
            self.count += 1
            for handler in self._handlers:
                try:
                    handler(event)
                except BaseException:  # whatever it is: without this thread no task would ever end
                    log.exception("event not handled", extra={"task_id": event.task_id, "kind": type(event).__name__})


def _is_outdated(preview: Preview, waiting: deque[Event | None]) -> bool:
    """Whether a newer picture of the task waits already: then this one need not be encoded."""
    return any(isinstance(event, Preview) and event.task_id == preview.task_id for event in waiting)
