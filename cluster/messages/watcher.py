"""The tasks that this process watches, sent to the others at once and repeated while it does."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..signals.sender import NotificationSender
from .notices import EVERYONE, Watching, to_json

RENEW_INTERVAL_S = 10.0
VALID_S = 30.0
"""Seconds for which the others believe it: two of three repetitions may be lost."""


class Watcher:
    """Sends what this process watches, in a thread. Nothing is sent while it watches nothing."""

    def __init__(self, sender: NotificationSender) -> None:
        self._sender = sender
        self._tasks: dict[str, bool] = {}
        self._said: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-watcher", daemon=True)
        self._thread.start()

    def watch(self, tasks: Mapping[str, bool]) -> None:
        """Set the watched tasks: id or `ALL` → with previews. New ones are sent at once. Never waits; any thread."""
        with self._lock:
            self._tasks = dict(tasks)
            is_new = any(task not in self._said or self._said[task] < previews for task, previews in tasks.items())
        if is_new:
            self.announce()

    def announce(self) -> None:
        """Send what this process watches, as for a process that has just begun to listen."""
        with self._lock:
            if not self._tasks and not self._said:
                return
            self._said = dict(self._tasks)
            content = to_json(Watching(self._said, VALID_S))
            self._sender.send(EVERYONE, content, key="watch")

    def close(self) -> None:
        """Send that nothing is watched any more, and end the thread."""
        self._closing.set()
        self._thread.join()
        self.watch({})
        self.announce()

    def _run(self) -> None:
        while not self._closing.wait(RENEW_INTERVAL_S):
            self.announce()
