"""The pause of the queue, which a restart keeps."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from ...db.repository import Repository
from ...db.statements.changes import settings
from ..ports.engine import Engine

PAUSED = "queue_paused"
"""Name of the setting; `1` while the queue is paused."""


class QueuePause:
    """Holds the tasks of the API back. The running one ends; jobs and clicks in the WebUI are not held back."""

    def __init__(self, repository: Repository, engine: Engine, on_change: Callable[[], None]) -> None:
        """Call `on_change` after each change."""
        self._repository = repository
        self._engine = engine
        self._on_change = on_change
        self._lock = threading.Lock()

    def restore(self) -> None:
        """Pause the queue if it was paused when an earlier process ended. Blocking.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        if self._repository.read(partial(settings.value_of, PAUSED)) == "1":
            self._engine.order.pause(True)

    def is_on(self) -> bool:
        """Return whether the queue is paused."""
        return self._engine.order.is_paused()

    async def set(self, paused: bool) -> None:
        """Pause the queue, or let it run.

        Raises:
            DatabaseUnavailable: nothing was changed.
        """
        await asyncio.to_thread(self._set, paused)
        self._on_change()

    def _set(self, paused: bool) -> None:
        with self._lock:  # of a pause and its end at once, the later one counts in the queue and in the database
            self._repository.write(partial(settings.set_value, PAUSED, "1" if paused else None)).result()
            self._engine.order.pause(paused)
