"""The tasks that have not ended yet, with their in-memory state. Any thread may read; the bus thread changes their state."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
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

    def retag(self, tags: Sequence[str]) -> None:
        """Give the task these tags."""
        self.task.retag(tags)
        self.workload = replace(self.workload, tags=tuple(tags))

    def seconds_until(self, event: Event) -> float | None:
        """Return the seconds from the task's start to an event, None if it has not started."""
        return None if self.started_s is None else round(event.clock_s - self.started_s, 3)


class ActiveTasks:
    """Active tasks by id, with an index of the pending ones by source, each in the order of their arrival.

    There may be tens of thousands: methods that walk all of them make no copies, and must not run on an event loop.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, ActiveTask] = {}
        self._started: dict[str, ActiveTask] = {}
        self._pending: OrderedDict[str, ActiveTask] = OrderedDict()
        self._pending_of: dict[str, OrderedDict[str, ActiveTask]] = {}
        self._lock = threading.Lock()

    def add(self, task: Task, workload: Workload, gaps: Gaps | None = None) -> ActiveTask:
        """Add a task, and return it, or the one of that id that is there already. `gaps` are those that are known already."""
        live = ActiveTask(task, workload, gaps=gaps or Gaps(task.task_id))
        with self._lock:
            if (known := self._tasks.get(task.task_id)) is not None:  # another process's notice was faster
                return known
            self._tasks[task.task_id] = live
            self._pending[task.task_id] = live
            self._pending_of.setdefault(task.source, OrderedDict())[task.task_id] = live
        return live

    def get(self, task_id: str) -> ActiveTask | None:
        with self._lock:
            return self._tasks.get(task_id)

    def start(self, live: ActiveTask) -> None:
        """Record that the worker has taken a task. An index of these few avoids a walk over all pending ones."""
        with self._lock:
            self._no_longer_pending(live)
            self._started[live.task.task_id] = live

    def requeue(self, live: ActiveTask, task: Task) -> None:
        """Replace a started task by its pending state: another process had it, which has ended."""
        with self._lock:
            live.task, live.preview, live.started_s = task, None, None
            self._started.pop(task.task_id, None)
            self._pending[task.task_id] = live
            self._pending_of.setdefault(task.source, OrderedDict())[task.task_id] = live

    def task_ids(self) -> list[str]:
        """Return the ids of all tasks."""
        with self._lock:
            return list(self._tasks)

    def end(self, live: ActiveTask, task: Task) -> None:
        """Replace a task by its terminal state. It stays until `remove`."""
        with self._lock:
            self._no_longer_pending(live)
            live.task = task

    def remove(self, task_id: str) -> None:
        with self._lock:
            live = self._tasks.pop(task_id, None)
            self._started.pop(task_id, None)
            if live is not None:
                self._no_longer_pending(live)

    def pending(self, sources: Collection[str] = ()) -> list[ActiveTask]:
        """Return the pending tasks of these sources, of all without any, in the order of their arrival; source by source."""
        with self._lock:
            if not sources:
                return list(self._pending.values())
            return [live for name in sources for live in self._pending_of.get(name, {}).values()]

    def pending_count(self, sources: Collection[str] = ()) -> int:
        """Return the number of pending tasks of these sources, of all without any."""
        with self._lock:
            return sum(len(self._pending_of.get(name, ())) for name in sources) if sources else len(self._pending)

    def started(self, matches: Callable[[ActiveTask], bool]) -> list[Task]:
        """Return the matching tasks that the worker has taken and that have not ended, in the order of their start."""
        with self._lock:
            lives = list(self._started.values())
        return [live.task for live in lives if live.task.status is TaskStatus.RUNNING and matches(live)]

    def saved(self) -> list[tuple[str, str]]:
        """Return source and path of each image that active tasks have saved, the newest task's first."""
        with self._lock:
            return [(live.task.source, path) for live in reversed(self._started.values()) for path in list(live.saved)]

    def running(self, source: str | None = None) -> Task | None:
        """Return a copy of the running task; in a cluster of the one that has run longest, of this source if one is given. A
        task whose end is being written does not count."""
        with self._lock:
            tasks = [live.task for live in self._started.values() if live.ending is None]
        running = (task for task in tasks if task.status is TaskStatus.RUNNING and source in (None, task.source))
        return next((replace(task) for task in running), None)

    def counts(self) -> dict[str, int]:
        """Return the number of pending and running tasks."""
        with self._lock:
            running = sum(live.task.status is TaskStatus.RUNNING for live in self._started.values())
            return {TaskStatus.PENDING.value: len(self._pending), TaskStatus.RUNNING.value: running}

    def _no_longer_pending(self, live: ActiveTask) -> None:
        if self._pending.pop(live.task.task_id, None) is None:
            return
        lives = self._pending_of[live.task.source]
        del lives[live.task.task_id]
        if not lives:
            del self._pending_of[live.task.source]
