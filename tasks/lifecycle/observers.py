"""Observers of the life cycle: the protocol, and the log. The estimator and the metrics are the others."""

from __future__ import annotations

import logging
from typing import Protocol

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.task import Task, now_ms

log = logging.getLogger("fooocus_api.tasks")


class TaskObserver(Protocol):
    """Measures or logs tasks. Bus thread only; an exception is logged, and nothing else fails with it."""

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Record an event, after its task has changed and before subscribers are notified.

        `active` is None for an event that concerns no task. Of several ends of a task only the first is reported, once.
        """


class TaskLog:
    """Logs the stations of a task's life. The queued tasks of an earlier process are logged as one, by its recovery."""

    def __init__(self) -> None:
        self._began_ms = now_ms()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        if active is None:
            return
        task = active.task
        match event:
            case events.Queued() if task.queued_at >= self._began_ms:
                log.info("task queued", extra={"task_id": task.task_id, "source": task.source})
                log.debug("task prompt received", extra={"task_id": task.task_id, "prompt": active.workload.prompt})
            case events.Started():
                log.info("task started", extra={"task_id": task.task_id, "attempt": task.attempts})
            case events.Ended():
                _log_end(task, active.seconds_until(event))


def _log_end(task: Task, seconds: float | None) -> None:
    error = task.error.type if task.error else None  # its message may quote the request
    extra = {"task_id": task.task_id, "images": len(task.images), "seconds": seconds, "error": error}
    log.log(logging.WARNING if error else logging.INFO, f"task {task.status.value}", extra=extra)
