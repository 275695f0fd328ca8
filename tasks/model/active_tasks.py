"""The tasks that have not ended yet, with their in-memory state. Any thread may read; the bus thread changes their state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ...images.preview import PreviewImage
from .events import Ended, Event
from .gaps import Gaps
from .task import Image, Task, TaskStatus
from .workload.workload import Workload


@dataclass
class ActiveTask:
    """A task that has not ended yet.

    `gaps` names missing parts of its record; `saved` maps the paths of its images so far to the host's logged metadata;
    `images` caches their records by path.
    `ending` is its terminal event while its results and its row are being written; `is_kept` is true once its results are
    files.
    `position` is the last published queue position.
    """

    task: Task
    workload: Workload
    ending: Ended | None = None
    is_kept: bool = False
    position: int | None = None
    started_s: float | None = None
    gaps: Gaps = field(default_factory=Gaps)
    preview: PreviewImage | None = None
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)

    def seconds_until(self, event: Event) -> float | None:
        """Return the seconds from the task's start to an event, None if it has not started."""
        return None if self.started_s is None else round(event.clock_s - self.started_s, 3)


class ActiveTasks:
    """Active tasks by id, in the order of their arrival.

    There may be tens of thousands: methods that walk all of them make no copies, and must not run on an event loop.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, ActiveTask] = {}
        self._started: dict[str, ActiveTask] = {}
        self._lock = threading.Lock()

    def add(self, task: Task, workload: Workload, gaps: Gaps | None = None) -> ActiveTask:
        """Add a task. `gaps` are those that are known already."""
        live = ActiveTask(task, workload, gaps=gaps or Gaps(task.task_id))
        with self._lock:
            self._tasks[task.task_id] = live
        return live

    def get(self, task_id: str) -> ActiveTask | None:
        with self._lock:
            return self._tasks.get(task_id)

    def start(self, live: ActiveTask) -> None:
        """Record that the worker has taken a task. An index of these few avoids a walk over all pending ones."""
        with self._lock:
            self._started[live.task.task_id] = live

    def remove(self, task_id: str) -> None:
        with self._lock:
            self._tasks.pop(task_id, None)
            self._started.pop(task_id, None)

    def of_status(self, status: TaskStatus, matches: Callable[[ActiveTask], bool]) -> dict[str, Task]:
        """Return the matching tasks of a status by id, in the order of their arrival; not copies."""
        with self._lock:
            lives = list((self._started if status is TaskStatus.RUNNING else self._tasks).values())
        return {live.task.task_id: live.task for live in lives if live.task.status is status and matches(live)}

    def saved(self) -> list[tuple[str, str]]:
        """Return source and path of each image that active tasks have saved, the newest task's first."""
        with self._lock:
            return [(live.task.source, path) for live in reversed(self._started.values()) for path in list(live.saved)]

    def running(self) -> Task | None:
        """Return a copy of the running task. A task whose end is being written does not count."""
        with self._lock:
            tasks = [live.task for live in self._started.values() if live.ending is None]
        return next((replace(task) for task in tasks if task.status is TaskStatus.RUNNING), None)

    def counts(self) -> dict[str, int]:
        """Return the number of pending and running tasks. Not on an event loop."""
        with self._lock:
            pending = sum(live.task.status is TaskStatus.PENDING for live in self._tasks.values())
            running = sum(live.task.status is TaskStatus.RUNNING for live in self._started.values())
        return {TaskStatus.PENDING.value: pending, TaskStatus.RUNNING.value: running}
