"""The notices of changed rows: those that say enough become events at once, of the others the row is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tasks.model.events import Event
from ...tasks.model.task import TERMINAL_STATUSES, TaskStatus
from ...tasks.streaming.broadcaster import Broadcaster
from ..jobs.pairs import Pairs
from .remote_events import RemoteEnd, RemoteStart
from .row_reader import RowReader

UNWATCHED_S = 60.0
"""Seconds without a subscriber after which the ends of other nodes' tasks are not published here."""


class RowNotices:
    """Takes the notices of the trigger on the tasks' table, as objects of JSON. On the ear's thread; it never waits."""

    def __init__(self, pairs: Pairs, reader: RowReader, emit: Callable[[Event], None], events: Broadcaster) -> None:
        self._pairs = pairs
        self._reader = reader
        self._emit = emit
        self._events = events

    def take(self, content: dict[str, Any]) -> None:
        """Take a notice. Those of this process's own task say nothing new."""
        task_id, status, worker = content["task"], content.get("status"), content.get("worker")
        is_mine = worker == self._pairs.worker
        if is_mine and self._pairs.claims.get(task_id) is not None:
            return
        if status == TaskStatus.RUNNING.value and worker is not None and not is_mine:
            self._emit(RemoteStart(task_id, content["attempts"], content["node"], worker, content["started_at"]))
        elif status in TERMINAL_STATUSES and not is_mine and self._events.is_unwatched(UNWATCHED_S):
            self._events.skip()
            self._emit(RemoteEnd(task_id, TaskStatus(status), content["finished_at"]))
        else:
            self._reader.changed(task_id, content.get("source", ""))
