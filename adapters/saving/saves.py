"""Saves of the images that the host logs, off the worker's thread. What the worker reports waits for them, in its order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ...tasks.model import events
from ...tasks.streaming.event_bus import EventBus
from ..image_log.entry import Entry
from ..image_log.image_log import ImageLog
from ..patching.hooks import Patches
from .deferred_image import Defer, DeferringPillow
from .log_source import leaves_its_file
from .pool import SaveJob, SavePool
from .task_saves import TaskSaves
from .turns import Turns

log = logging.getLogger("fooocus_api.images")


class _Report:
    """An event on its way to the bus."""

    def __init__(self, event: events.Event) -> None:
        self.event = event

    def drop_picture(self) -> None:
        """Reduce a preview to its progress."""
        if isinstance(self.event, events.Preview):
            self.event = self.event.without_image()


class _Deferral(threading.local):
    """The function that saves this thread's images later, None to save them at once."""

    defer: Defer | None = None

    @contextmanager
    def of(self, defer: Defer) -> Iterator[None]:
        """Save images later within the `with` block."""
        self.defer = defer
        try:
            yield
        finally:
            self.defer = None


class ImageSaves:
    """Images being saved, and the reports of the worker behind them.

    The worker's thread calls `deferring` and reports through `emit` and `postpone`; other threads may ask.
    """

    def __init__(self, bus: EventBus, image_log: ImageLog | None = None, pool: SavePool | None = None) -> None:
        self._bus = bus
        self._image_log = image_log or ImageLog()
        self._pool = pool or SavePool()
        self._turns = Turns()
        self._tasks: dict[str, TaskSaves] = {}
        """The tasks with a save off the worker's thread, until their ends are reported."""
        self._preview: _Report | None = None
        self._deferral = _Deferral()
        self._is_closed = False

    def patch(self, private_logger: ModuleType, patches: Patches) -> None:
        """Let `modules.private_logger.log` save images later, if it does nothing with the file that it has saved."""
        if leaves_its_file(private_logger.log):
            patches.replace(private_logger, "Image", DeferringPillow(lambda: self._deferral.defer))
        else:
            log.info("images are saved on the worker's thread: this Fooocus uses the files that it saves")

    # ------------------------------------------------------- on the worker thread

    @contextmanager
    def deferring(self, task_id: str) -> Iterator[None]:
        """Save images of this task later that this thread saves within the `with` block.

        Raises:
            BaseException: that of an earlier save of this task, which failed: the task shall generate no more images.
        """
        if self._is_closed:
            yield
            return
        if (earlier := self._tasks.get(task_id)) is not None:
            earlier.raise_failure()
        paths: list[str] = []
        with self._image_log.captured() as entries, self._deferral.of(partial(self._defer, task_id, paths)):
            yield
        if entries:
            self._add_entries(task_id, paths, entries)

    def emit(self, event: events.Event) -> None:
        """Pass an event to the bus, after the saves before it. Never waits."""
        if not self._tasks and not self._turns.are_waiting:
            self._bus.emit(event)
            return
        report = _Report(event)
        if isinstance(event, events.Preview):
            self._replace_preview(report)
        elif isinstance(event, events.Ended):
            if (saves := self._tasks.get(event.task_id)) is not None:
                saves.end()
            self._preview = None
        self._turns.run(partial(self._pass_on, report))

    def postpone(self, task_id: str, item: Any, append: Callable[[Any], None]) -> bool:
        """Append an item with results to the list that a browser reads, after the saves before it.

        Return False if there are none: then nothing was done.
        """
        if not self._tasks and not self._turns.are_waiting:
            return False
        self._turns.run(lambda: append(self._item_of(task_id, item)))
        return True

    # ----------------------------------------------------------------- any thread

    def unfinished(self) -> list[str]:
        """Return the absolute paths of the images that are not complete yet."""
        return self._pool.paths()

    def is_unfinished(self, file: Path) -> bool:
        """Return whether a file is an image that is not complete yet."""
        return any(Path(path) == file or Path(path).resolve() == file.resolve() for path in self._pool.paths())

    def is_ending(self, task_id: str) -> bool:
        """Return whether the worker has ended a task whose images are still being saved."""
        saves = self._tasks.get(task_id)
        return saves is not None and saves.has_ended

    def finish(self, within_s: float | None = None) -> None:
        """Save the images in hand, and all later ones in place. Wait at most `within_s` seconds."""
        self._is_closed = True
        if not self._pool.finish(within_s):
            log.warning("images not saved in time; the next start deletes what there is of them")

    # ---------------------------------------------------------------------- parts

    def _defer(self, task_id: str, paths: list[str], path: str, size: int, save: Callable[[], None]) -> bool:
        saves = self._tasks.setdefault(task_id, TaskSaves())
        release = self._turns.hold()

        def done(error: BaseException | None) -> None:
            if error is not None:
                saves.fail(path, error)
                extra = {"task_id": task_id, "path": path, "reason": f"{type(error).__name__}: {error}"}
                log.error("image not saved; its task fails", extra=extra)
            release(_nothing)

        try:
            self._pool.submit(SaveJob(path, size, save, done))
        except RuntimeError:
            log.exception("image saved on the worker's thread: no other thread can be started")
            release(_nothing)
            return False
        paths.append(path)
        return True

    def _add_entries(self, task_id: str, paths: list[str], entries: Sequence[Entry]) -> None:
        """Add the log's entries of an image once it is complete, none for one that was not saved."""
        saves = self._tasks.get(task_id)

        def add() -> None:
            if saves is None or not any(saves.has_failed(path) for path in paths):
                self._image_log.add(entries)

        self._turns.run(add)

    def _replace_preview(self, report: _Report) -> None:
        """Drop the picture of the preview before this one: those that wait for a slow disk would fill the memory."""
        previous, self._preview = self._preview, report
        if previous is not None:
            previous.drop_picture()

    def _pass_on(self, report: _Report) -> None:
        event = report.event
        saves = self._tasks.get(event.task_id)
        settled = event if saves is None else saves.settled(event)
        try:
            if settled is not None:
                self._bus.emit(settled)
        finally:
            if event.is_terminal:
                self._tasks.pop(event.task_id, None)

    def _item_of(self, task_id: str, item: Any) -> Any:
        saves = self._tasks.get(task_id)
        if saves is None:
            return item
        flag, results = item
        return [flag, saves.without_failed(results)]


def _nothing() -> None:
    """Release a turn that has nothing to report."""
