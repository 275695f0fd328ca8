"""The start of the domain: the tasks and images that an earlier process left, then the events of this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..images.storage.publisher import Publisher
from .lifecycle.late_images import LateImages
from .lifecycle.recovery import Recovery
from .model.task import Task, TaskStatus
from .sharing import Following
from .storage.store import TaskStore


@dataclass(frozen=True)
class Startup:
    """The parts that recover an earlier process's tasks, `run_bus`, which begins to handle this one's events, and `enqueue`,
    which gives a task to the engine."""

    store: TaskStore
    recovery: Recovery
    late_images: LateImages
    publisher: Publisher | None
    run_bus: Callable[[], None]
    enqueue: Callable[[Task], None]

    def alone(self) -> None:
        """Start with a history of this process's own.

        Raises:
            DatabaseUnavailable: the history can't be read or written.
        """
        requeued = self.recovery.run()
        self._resume_uploads()
        self.run_bus()
        self._enqueue(requeued)

    def in_cluster(self, following: Following, downloads: Callable[[Task], bool] | None) -> None:
        """Start as a member of a cluster: the tasks that this process has left are its own, all others may be those of others.

        Args:
            downloads: returns whether this process downloads the files that a task needs; None if it downloads none.

        Raises:
            DatabaseUnavailable: the history can't be read or written.
        """
        following.recover()
        self.late_images.record()
        self.recovery.sweep()
        self._resume_uploads()
        self.run_bus()
        if downloads is not None:
            left = [task for task in self.store.unfinished() if task.status is TaskStatus.PENDING]
            self._enqueue(task for task in left if downloads(task))  # an earlier process may have begun them
        following.start()

    def _resume_uploads(self) -> None:
        if self.publisher is not None:
            self.publisher.resume()

    def _enqueue(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self.enqueue(task)
