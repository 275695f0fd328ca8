"""The end of a task as it has been written, or will be."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from ..model.task import Task


@dataclass(frozen=True)
class WrittenEnd:
    """The task as stored, and its receiver for `TaskStore.wake`, None without a webhook."""

    task: Task
    receiver: str | None


EndWrite = Future["WrittenEnd | None"]
"""Future of a written end; its result is None if the task had ended before."""


def as_written(written: EndWrite, task: Task) -> Task:
    """Return the task as stored if its end has been written by now, otherwise `task`."""
    done = written.result() if written.done() and written.exception() is None else None
    return task if done is None else done.task
