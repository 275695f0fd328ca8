"""The extension's items in the host's queue: jobs that are not tasks, and tasks that are built when they start."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ...tasks.model.task import TaskError
from ...tasks.ports.tools import ToolFailed
from ...tasks.queue.scheduler import QueueEntry

log = logging.getLogger("fooocus_api.worker")

ID_ATTRIBUTE = "fooocus_api_task_id"
"""Attribute of the host's task with its id here."""


class WorkerJob:
    """A call for the worker thread with its result or exception in `future`. If cancelled before its turn, it does not run."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self._action: Callable[[], Any] | None = action
        self.future.add_done_callback(self._drop_action)

    def run(self) -> None:
        """Run the call on this thread. Any exception goes into the future."""
        action, self._action = self._action, None  # it holds a picture, and the worker may keep this job for long
        if action is None or not self.future.set_running_or_notify_cancel():
            return
        try:
            result = action()
        except BaseException as error:  # the host raises BaseExceptions, too; any would end the worker's thread
            log.exception("tool failed")
            self.future.set_exception(ToolFailed(TaskError(type(error).__name__, str(error) or "no message")))
        else:
            self.future.set_result(result)

    def _drop_action(self, _: Future[Any]) -> None:
        """Drop the action with its picture: a cancelled job may stay in the queue for long."""
        self._action = None

    def refuse(self, error: Exception) -> None:
        """Fail the job without running it."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


@dataclass(frozen=True, eq=False)
class QueuedTask:
    """A pending task of the API. `build` creates the host's task: only then are its images in memory. `entry` has no key yet."""

    task_id: str
    build: Callable[[], Any]
    entry: QueueEntry = field(default_factory=lambda: QueueEntry(None))
