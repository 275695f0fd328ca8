"""From the worker thread to everyone who listens. Emitting is one put on a queue; all else happens on the bus's own thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from .events import Event, Preview

log = logging.getLogger("fooocus_api.events")

Handler = Callable[[Event], None]


class EventBus:
    """Takes events from any thread, hands each to the handlers in order, then to the subscriptions of its task."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._handlers: list[Handler] = []
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-events", daemon=True)

    def start(self, *handlers: Handler) -> None:
        """Begin to hand out events. What was emitted before is handed out first."""
        self._handlers = list(handlers)
        self._thread.start()

    def stop(self) -> None:
        """Hand out what has been emitted so far, then end the bus's thread."""
        self._events.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def emit(self, event: Event) -> None:
        """Tell that something happened. Never waits, never raises; any thread."""
        self._events.put(event)

    @contextlib.contextmanager
    def subscribe(self, task_id: str) -> Iterator[Subscription]:
        """Listen to one task, from the running event loop, until the `with` block ends."""
        subscription = Subscription(asyncio.get_running_loop())
        with self._lock:
            self._subscriptions.setdefault(task_id, set()).add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                listeners = self._subscriptions[task_id]
                listeners.discard(subscription)
                if not listeners:
                    del self._subscriptions[task_id]

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            for handler in self._handlers:
                try:
                    handler(event)
                except Exception:
                    log.exception("an event of task %s was not handled: %r", event.task_id, type(event).__name__)

    def publish(self, event: Event) -> None:
        """Deliver to the subscriptions of the event's task. For handlers, on the bus's thread."""
        with self._lock:
            listeners = list(self._subscriptions.get(event.task_id, ()))
        for subscription in listeners:
            subscription.offer(event)


class Subscription:
    """One listener's view of one task: every change of state, and of previews the newest it has not read yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._unread: deque[Event] = deque()
        self._arrived = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Hand over an event from another thread. A loop that is gone has no listeners left."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._push, event)

    def _push(self, event: Event) -> None:
        if isinstance(event, Preview) and self._unread and isinstance(self._unread[-1], Preview):
            self._unread.pop()  # a slow reader gets the newest picture, not all of them
        self._unread.append(event)
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events as they come, the terminal one last."""
        while True:
            while self._unread:
                event = self._unread.popleft()
                yield event
                if event.is_terminal:
                    return
            self._arrived.clear()
            await self._arrived.wait()
