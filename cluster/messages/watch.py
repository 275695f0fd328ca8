"""The tasks that other processes watch: progress, previews and images are sent of these alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .notices import ALL, Watching


@dataclass(frozen=True, slots=True)
class _Watched:
    tasks: Mapping[str, bool]
    until_s: float

    def has(self, task_id: str, *, previews: bool = False) -> bool:
        """Return whether the task is watched, and with previews if these are asked for."""
        found = [self.tasks[key] for key in (task_id, ALL) if key in self.tasks]
        return any(found) if previews else bool(found)


class Watch:
    """The tasks that each of the other processes watches, until it sends others or has sent none for a while. Thread-safe.

    Args:
        on_new: takes the name of a process, and the tasks that it has begun to watch, `ALL` among them if it is all.
    """

    def __init__(
        self,
        on_new: Callable[[str, frozenset[str]], None] = lambda _, __: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_new = on_new
        self._clock = clock
        self._by_process: dict[str, _Watched] = {}
        self._lock = threading.Lock()

    def take(self, process: str, watching: Watching) -> None:
        """Take the tasks that a process watches, in place of those of its last message."""
        now = self._clock()
        with self._lock:
            before = self._by_process.pop(process, None)
            known = before.tasks if before is not None and before.until_s > now else {}
            self._by_process = {name: one for name, one in self._by_process.items() if one.until_s > now}
            if watching.tasks:
                self._by_process[process] = _Watched(dict(watching.tasks), now + watching.until_s)
        new = frozenset(
            task for task, previews in watching.tasks.items() if task not in known or (previews and not known[task])
        )
        if new:
            self._on_new(process, new)

    def is_watched(self, task_id: str) -> bool:
        """Return whether another process watches the task."""
        return bool(self.watchers(task_id))

    def wants_previews(self, task_id: str) -> bool:
        """Return whether another process watches the task with its previews."""
        return bool(self.watchers(task_id, previews=True))

    def watchers(self, task_id: str, *, previews: bool = False) -> list[str]:
        """Return the names of the processes that watch the task; with `previews` those that want these, too."""
        if not self._by_process:
            return []
        now = self._clock()
        with self._lock:
            known = [*self._by_process.items()]
        return [name for name, one in known if one.until_s > now and one.has(task_id, previews=previews)]
