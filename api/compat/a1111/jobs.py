"""The requests that are being answered, by source: clients watch them without an id."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Job:
    """One request from its arrival to its answer.

    `count` is its number of images, `parts` the number of its tasks, and `task_ids` are those submitted so far. An interrupted
    job submits no more.
    """

    name: str
    count: int = 1
    parts: int = 1
    task_ids: list[str] = field(default_factory=list)
    timestamp: str = field(default_factory=lambda: datetime.now().strftime("%Y%m%d%H%M%S"))
    interrupted: bool = False
    skipped: bool = False

    def expect(self, *, count: int | None = None, parts: int | None = None) -> None:
        """Set the number of its images or of its tasks, once it is known."""
        self.count = count if count is not None else self.count
        self.parts = parts if parts is not None else self.parts

    def interrupt(self) -> None:
        """Have it submit no further task."""
        self.interrupted = True

    def skip(self) -> None:
        """Note that an image of it was skipped."""
        self.skipped = True

    def done(self, task_id: str) -> int:
        """Return the number of its tasks that came before this one."""
        return self.task_ids.index(task_id) if task_id in self.task_ids else 0


class Jobs:
    """The jobs of all sources, each source's in the order of their arrival. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, list[Job]] = {}

    @contextmanager
    def open(self, source: str, name: str) -> Iterator[Job]:
        """Yield the job of a request, which ends with the `with` block."""
        job = Job(name)
        with self._lock:
            self._jobs.setdefault(source, []).append(job)
        try:
            yield job
        finally:
            with self._lock:
                left = [other for other in self._jobs[source] if other is not job]
                self._jobs[source] = left
                if not left:
                    del self._jobs[source]

    def of(self, source: str) -> list[Job]:
        """Return the jobs of a source, the newest last."""
        with self._lock:
            return list(self._jobs.get(source, ()))
