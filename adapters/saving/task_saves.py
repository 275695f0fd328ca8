"""The saves of one task that failed, and the task's events and results without their images."""

from __future__ import annotations

import os
from typing import Any

from ...tasks.model import events
from ...tasks.model.task import TaskError


class TaskSaves:
    """A task with saves off the worker's thread, from its first save until its end is reported."""

    def __init__(self) -> None:
        self.has_ended = False
        self._failed: dict[str, BaseException] = {}

    def end(self) -> None:
        """Record that the worker has ended the task."""
        self.has_ended = True

    def fail(self, path: str, error: BaseException) -> None:
        """Record that the image at an absolute path was not saved."""
        self._failed[path] = error

    def has_failed(self, path: str) -> bool:
        """Return whether the image at a path was not saved."""
        return bool(self._failed) and os.path.abspath(path) in self._failed

    def raise_failure(self) -> None:
        """Raise the exception of the first save that failed, if any, as that save would have raised it in place."""
        for error in self._failed.values():
            raise error

    def settled(self, event: events.Event) -> events.Event | None:
        """Return the event as it is after the saves before it; None for an image that was not saved.

        A task with an image that was not saved has failed, however it ended.
        """
        if not self._failed:
            return event
        if isinstance(event, events.ImageSaved):
            return None if self.has_failed(event.path) else event
        if isinstance(event, events.Ended):
            results = self.without_failed(event.results)
            error = TaskError.of(next(iter(self._failed.values())))
            return events.Failed(
                event.task_id, results, error, missing=event.missing, at=event.at, clock_s=event.clock_s
            )
        return event

    def without_failed(self, results: Any) -> Any:
        """Return the results without the paths of images that were not saved."""
        if not self._failed or not isinstance(results, list):
            return results
        return [result for result in results if not (isinstance(result, str) and self.has_failed(result))]
