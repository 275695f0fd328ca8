"""What stands in the host's queue beside its own tasks: work that is none, and tasks that are built when their turn comes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..tasks.schedule import Entry
from ..tasks.task import TaskError
from ..tasks.tools import ToolFailed

log = logging.getLogger("fooocus_api.worker")


class Job:
    """A call whose answer or failure ends up in `future`; cancelled before its turn it is not made."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self.entry = Entry(None, source="tools")
        self._action: Callable[[], Any] | None = action
        self.future.add_done_callback(self._let_go)

    def run(self) -> None:
        """Make the call, here and now. Whatever the call raises goes into the future."""
        action, self._action = self._action, None  # it holds a picture, and the worker may hold this for long
        if action is None or not self.future.set_running_or_notify_cancel():
            return
        try:
            result = action()
        except BaseException as error:  # the host's own include BaseExceptions; any would end the worker's thread
            log.exception("a tool failed")
            self.future.set_exception(ToolFailed(TaskError(type(error).__name__, str(error) or "no message")))
        else:
            self.future.set_result(result)

    def _let_go(self, _: Future[Any]) -> None:
        """Cancelled it may stand in the queue for long, and what it holds is a picture."""
        self._action = None

    def refuse(self, error: Exception) -> None:
        """End it unmade."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


@dataclass(frozen=True, eq=False)
class Ticket:
    """A task of ours that waits. `build` makes the host's task: only then are its images in memory."""

    task_id: str
    build: Callable[[], Any]
    entry: Entry = field(default_factory=lambda: Entry(None))
