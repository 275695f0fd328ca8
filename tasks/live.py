"""The tasks that have not ended yet, and what only the living have. Any thread may look; the tracker changes them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

from .estimate import Effort
from .events import Ended
from .preview import PreviewImage
from .task import Image, Task, TaskStatus


@dataclass
class LiveTask:
    """A task that has not ended yet.

    `saved` are its images so far: path → what the host logged with it; `images` what has been read of them, by path.
    `ending` is how it ended, while its results and its row are being written.
    `position` is the place in the queue that was told last, `effort` what its time depends on, once somebody asked.
    """

    task: Task
    ending: Ended | None = None
    position: int | None = None
    effort: Effort | None = None
    preview: PreviewImage | None = None
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)


class LiveTasks:
    """By id, in the order in which they came."""

    def __init__(self) -> None:
        self._tasks: dict[str, LiveTask] = {}
        self._lock = threading.Lock()

    def add(self, task: Task) -> LiveTask:
        live = LiveTask(task)
        with self._lock:
            self._tasks[task.task_id] = live
        return live

    def get(self, task_id: str) -> LiveTask | None:
        with self._lock:
            return self._tasks.get(task_id)

    def remove(self, task_id: str) -> None:
        with self._lock:
            self._tasks.pop(task_id, None)

    def all(self, status: TaskStatus | None = None) -> list[Task]:
        """Copies of them as they are now."""
        with self._lock:
            tasks = [live.task for live in self._tasks.values()]
        return [replace(task) for task in tasks if status is None or task.status is status]

    def saved(self) -> list[tuple[str, str]]:
        """Return source and path of each image that the tasks have so far, the newest task's first."""
        with self._lock:
            return [(live.task.source, path) for live in reversed(self._tasks.values()) for path in list(live.saved)]

    def running(self) -> Task | None:
        """The task the worker has in hand; not the one before it, whose end is being written."""
        with self._lock:
            tasks = [live.task for live in self._tasks.values() if live.ending is None]
        return next((replace(task) for task in tasks if task.status is TaskStatus.RUNNING), None)

    def counts(self) -> dict[str, int]:
        """How many wait and run."""
        with self._lock:
            statuses = [live.task.status for live in self._tasks.values()]
        return {status.value: statuses.count(status) for status in (TaskStatus.PENDING, TaskStatus.RUNNING)}
