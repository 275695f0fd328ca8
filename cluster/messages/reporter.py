"""The reports of a node about its running task, to the processes that watch it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ...images.preview import PreviewImage
from ...tasks.model.task import Image
from ..signals.sender import NotificationSender
from .notices import ALL, TaskImage, TaskProgress, channel_of, to_json
from .watch import Watch

MAX_SIDE = 512
"""Pixels of a preview's longest side."""
MAX_BYTES = 60_000
MIN_INTERVAL_S = 0.25
"""Seconds between two reports of steps, so that a quick model does not flood the database."""
SLACK_S = 0.01


class Reporter:
    """Sends progress, previews and images of tasks to the processes that watch them. Thread-safe; it never waits."""

    def __init__(self, sender: NotificationSender, watch: Watch, clock: Callable[[], float] = time.monotonic) -> None:
        self._sender = sender
        self._watch = watch
        self._clock = clock
        self._last: dict[str, tuple[TaskProgress, PreviewImage | None]] = {}
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def progress(self, progress: TaskProgress, preview: PreviewImage | None = None) -> None:
        """Report progress. Of steps, and of previews, at most four a second."""
        task_id, now = progress.task_id, self._clock()
        with self._lock:
            last = self._last.get(task_id)
            self._last[task_id] = progress, preview or (last[1] if last else None)
            is_step = preview is not None or progress.stage.step is not None
            if is_step and now < self._due.get(task_id, 0.0) - SLACK_S:
                return
            watchers = self._watch.watchers(task_id)
            if not watchers:
                return
            if is_step:
                self._due[task_id] = now + MIN_INTERVAL_S
        self._send(progress, preview, watchers)

    def image(self, task_id: str, attempts: int, image: Image) -> None:
        """Report an image that the task has saved."""
        watchers = self._watch.watchers(task_id)
        if watchers:
            self._sender.send([*map(channel_of, watchers)], to_json(TaskImage(task_id, attempts, image)))

    def repeat(self, process: str, tasks: frozenset[str]) -> None:
        """Report the last progress to a process that has begun to watch, as `Watch.on_new`."""
        with self._lock:
            known = [*self._last.values()]
        for progress, preview in known:
            if process in self._watch.watchers(progress.task_id) and tasks & {progress.task_id, ALL}:
                self._send(progress, preview, [process], process)

    def forget(self, task_id: str) -> None:
        """Forget a task, which has ended here."""
        with self._lock:
            self._last.pop(task_id, None)
            self._due.pop(task_id, None)

    def _send(
        self, progress: TaskProgress, preview: PreviewImage | None, watchers: list[str], only: str | None = None
    ) -> None:
        with_picture: set[str] = set()
        if preview is not None:
            picture = preview
            with_picture = set(self._watch.watchers(progress.task_id, previews=True)) & set(watchers)

            def content() -> dict[str, Any]:
                return to_json(progress.with_preview(picture.small_jpeg(MAX_SIDE, MAX_BYTES)))

            self._sender.send([*map(channel_of, with_picture)], content, key=("preview", progress.task_id, only))
        without = [channel_of(name) for name in watchers if name not in with_picture]
        self._sender.send(without, to_json(progress), key=("progress", progress.task_id, only))
