"""The tasks that have not ended yet, and what only the living have. Any thread may look; the tracker changes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from . import storage
from .estimate import Effort
from .events import Ended
from .gaps import Gaps
from .preview import PreviewImage
from .task import Image, Task, TaskStatus


@dataclass
class LiveTask:
    """A task that has not ended yet.

    `gaps` is what is missing of its record; `saved` are its images so far: path → what the host logged with it; `images` what
    has been read of them, by path.
    `ending` is how it ended, while its results and its row are being written; `is_kept` when its results are files.
    `position` is the place in the queue that was told last, `effort` what its time depends on, once somebody asked.
    """

    task: Task
    ending: Ended | None = None
    is_kept: bool = False
    position: int | None = None
    effort: Effort | None = None
    started_s: float | None = None
    gaps: Gaps = field(default_factory=Gaps)
    preview: PreviewImage | None = None
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    _words: tuple[Any, str] = (None, "")

    @property
    def words(self) -> str:
        """The prompt as it is searched, in lower case; made once."""
        prompt = self.task.parameters.get("prompt")
        if self._words[0] is not prompt:
            self._words = prompt, storage.words_of(prompt)
        return self._words[1]


class LiveTasks:
    """By id, in the order in which they came.

    There may be tens of thousands: what looks at each of them does so without a copy, and not on an event loop.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, LiveTask] = {}
        self._begun: dict[str, LiveTask] = {}
        self._lock = threading.Lock()

    def add(self, task: Task) -> LiveTask:
        live = LiveTask(task, gaps=Gaps(task.task_id))
        with self._lock:
            self._tasks[task.task_id] = live
        return live

    def get(self, task_id: str) -> LiveTask | None:
        with self._lock:
            return self._tasks.get(task_id)

    def begin(self, live: LiveTask) -> None:
        """Note that the worker has taken it: the running one is found among a few, not among all that wait."""
        with self._lock:
            self._begun[live.task.task_id] = live

    def remove(self, task_id: str) -> None:
        with self._lock:
            self._tasks.pop(task_id, None)
            self._begun.pop(task_id, None)

    def of_status(self, status: TaskStatus, matches: Callable[[LiveTask], bool]) -> dict[str, Task]:
        """Those of a status that match, by id, in the order in which they came; no copies."""
        with self._lock:
            lives = list((self._begun if status is TaskStatus.RUNNING else self._tasks).values())
        return {live.task.task_id: live.task for live in lives if live.task.status is status and matches(live)}

    def saved(self) -> list[tuple[str, str]]:
        """Return source and path of each image that the tasks have so far, the newest task's first."""
        with self._lock:
            return [(live.task.source, path) for live in reversed(self._begun.values()) for path in list(live.saved)]

    def running(self) -> Task | None:
        """The task the worker has in hand; not the one before it, whose end is being written."""
        with self._lock:
            tasks = [live.task for live in self._begun.values() if live.ending is None]
        return next((replace(task) for task in tasks if task.status is TaskStatus.RUNNING), None)

    def counts(self) -> dict[str, int]:
        """Count the tasks that wait and run. Not on an event loop."""
        with self._lock:
            pending = sum(live.task.status is TaskStatus.PENDING for live in self._tasks.values())
            running = sum(live.task.status is TaskStatus.RUNNING for live in self._begun.values())
        return {TaskStatus.PENDING.value: pending, TaskStatus.RUNNING.value: running}
