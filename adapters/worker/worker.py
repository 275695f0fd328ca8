"""Observes the host's worker through a replaced queue and `yields` lists that report its progress.

Exceptions here must not reach the worker: its `len`, `pop` and the `append` in its `except` run outside any `try`, and an
exception there ends its thread permanently. Each override does what the plain list does, and guards the rest.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

from ...images.preview import PreviewImage
from ...tasks.model import events
from ...tasks.model.task import TaskError
from ...tasks.ports.engine import WorkerNotRunning
from ...tasks.queue.pending_order import PendingOrder
from ...tasks.queue.scheduler import Scheduler
from ...tasks.streaming.event_bus import EventBus
from ..host_modules import loaded_module
from ..patching.hooks import Patches
from ..saving.saves import ImageSaves
from ..task_args.workload_fields import has_grid
from .finish_event import SKIPS_ATTRIBUTE, ending
from .progress_titles import stage_of
from .queue_items import ID_ATTRIBUTE, WorkerJob
from .task_queue import TaskQueue

log = logging.getLogger("fooocus_api.worker")

Described = tuple[dict[str, Any], dict[tuple[str, "int | None", str], Any]]


@dataclass(frozen=True)
class TaskHandling:
    """The parts of a task's handling that exist only once the WebUI is built.

    `describe` returns the parameters by name, and the images, of a task from the WebUI. `prepare_for` runs on the worker thread
    right before a task starts. With `saves_later` images are saved off the worker's thread. `freed` runs there when a task has
    ended, and takes no lock.
    """

    scheduler: Scheduler = field(default_factory=Scheduler)
    describe: Callable[[Any], Described] = lambda task: ({}, {})
    prepare_for: Callable[[Any], None] = lambda task: None
    saves_later: bool = False
    freed: Callable[[], None] = lambda: None


class Worker:
    """The host's only worker thread, as seen from its queue. `current` is written on the worker thread only."""

    def __init__(self, bus: EventBus, saves: ImageSaves | None = None) -> None:
        """Report to `bus`: from the worker's thread through `saves`, which lets reports wait for the images before them."""
        self.bus = bus
        self.saves = saves or ImageSaves(bus)
        self.handling = TaskHandling()
        self.order = PendingOrder(self.handling.scheduler, lambda task_id: bus.emit(events.Moved(task_id)))
        self.current: Any = None
        self.queue: TaskQueue | None = None
        self.host: ModuleType | None = None
        self.thread: threading.Thread | None = None
        self.interrupt_raised = False
        self._error_logged = False

    def patch(self, async_worker: ModuleType, patches: Patches) -> None:
        """Replace the queue of `modules.async_worker`, right after its import. The worker looks it up on every iteration."""
        self.host = async_worker
        self.queue = TaskQueue(self, async_worker.async_tasks)
        patches.replace(async_worker, "async_tasks", self.queue)
        patches.replace(async_worker.AsyncTask, "last_stop", _LastStop())
        target = async_worker.worker
        self.thread = next((t for t in threading.enumerate() if getattr(t, "_target", None) is target), None)
        if self.thread is not None:
            threading.Thread(target=self._restart_thread, args=(target,), name="fooocus-api-watch", daemon=True).start()

    def attach(self, handling: TaskHandling) -> None:
        """Handle tasks in this way from now on. Called once, when the WebUI is built."""
        self.handling = handling
        self.order.use(handling.scheduler)

    def patch_log(self, private_logger: ModuleType, patches: Patches) -> None:
        """Report every image that `modules.private_logger.log` writes."""
        patches.wrap(private_logger, "log", self._log_image)

    def alive(self) -> bool:
        """Return whether the worker thread is running."""
        return self.thread is not None and self.thread.is_alive()

    def is_idle(self) -> bool:
        """Return whether no task is running, and none is waiting, except for the end of a pause."""
        return self.current is None and (not self.queue or self.order.is_held())

    def run_between_tasks(self, action: Callable[[], Any]) -> Future[Any]:
        """Run `action` on the worker thread after the tasks before it. The future has its result.

        Raises:
            WorkerNotRunning: the worker thread is not running.
        """
        if self.queue is None or not self.alive():
            raise WorkerNotRunning()
        job = WorkerJob(action)
        self.queue.append_job(job)
        return job.future

    # ------------------------------------------------------- on the worker thread

    def on_unloaded(self) -> None:
        """Record that all models have been unloaded."""
        self.handling.scheduler.on_unloaded()
        self.saves.emit(events.Unloaded())

    def take(self, task: Any) -> None:
        """Record the task that the worker has taken from the queue, None without one. Never raises."""
        self.current = task

    def on_started(self, task: Any) -> None:
        self.current = task
        self.interrupt_raised = False
        self.saves.emit(events.Started(getattr(task, ID_ATTRIBUTE), seed=getattr(task, "seed", None)))
        interrupt_flag(False)  # set for an earlier task after its last step, it would end this one at its first

    def on_yield(self, task: Any, item: Any) -> None:
        flag, product = item
        task_id = getattr(task, ID_ATTRIBUTE)
        if flag == "preview":
            if task.last_stop:
                # Set here and not in the request: only here it is sure to affect this task and no other,
                # and if a WebUI click clears it for another task, the next step sets it again.
                interrupt_flag(True)
                self.interrupt_raised = True
            percent, title, image = product
            percent, title = int(percent), str(title)
            stage = stage_of(title)
            if image is None:
                self.saves.emit(events.Progress(task_id, percent, title, stage=stage))
            else:
                self.saves.emit(events.Preview(task_id, percent, title, PreviewImage(image), stage=stage))

    def postpone(self, task: Any, item: Any, append: Callable[[Any], None]) -> bool:
        """Append results to a browser's list once their files are complete. Return False if they are, so that it may be now."""
        flag, _ = item
        return flag != "preview" and self.saves.postpone(getattr(task, ID_ATTRIBUTE), item, append)

    def on_finish(self, task: Any, results: Any) -> None:
        """Emit the event of a task's end. Values that can't be read are listed in it; it is emitted in any case."""
        error = sys.exc_info()[1]
        is_current = self.current is task
        if is_current:
            self.current = None
        self.saves.emit(ending(task, results, error))
        if is_current and self.interrupt_raised:
            interrupt_flag(False)
        self.handling.freed()

    def on_abandoned(self) -> None:
        """Fail a task whose end was never reported, although the worker asks for the next one."""
        task, self.current = self.current, None
        if task is not None:
            error = TaskError("NoEnd", "Fooocus started the next task without finishing this one")
            self.saves.emit(events.Failed(getattr(task, ID_ATTRIBUTE), [], error))

    def call_safely(self, action: Callable[..., Any], *args: Any) -> Any:
        """Return the result of `action`, or None if it raises: a bug here must never reach the worker. Log the first error."""
        try:
            return action(*args)
        except Exception:
            if not self._error_logged:
                self._error_logged = True
                log.exception("worker event lost; the worker continues")
            return None

    def _log_image(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        task = self.call_safely(self._saved_later)
        if task is None:
            path = wrapped(*args, **kwargs)
        else:
            with self.saves.deferring(getattr(task, ID_ATTRIBUTE)):
                path = wrapped(*args, **kwargs)
        image = args[0] if args else kwargs.get("img")
        self.call_safely(self._on_image_saved, path, args[1] if len(args) > 1 else kwargs.get("metadata", ()), image)
        return path

    def _saved_later(self) -> Any:
        """Return the task whose image this thread may save later, None if it must be saved at once.

        The host reads the files of a task with a grid back before the task ends.
        """
        task = self.current
        if task is None or not self.handling.saves_later or threading.current_thread() is not self.thread:
            return None
        return None if has_grid(task) else task

    def _on_image_saved(self, path: str, metadata: Any, image: Any) -> None:
        if self.current is not None:
            black = bool(self.call_safely(_is_blacked_out, self.current, image))
            values = self.call_safely(lambda: {key: value for _, key, value in metadata}) or {}
            self.saves.emit(
                events.ImageSaved(getattr(self.current, ID_ATTRIBUTE), str(path), values, blacked_out=black)
            )

    # ---------------------------------------------------------- if the thread dies

    def _restart_thread(self, target: Callable[[], None]) -> None:
        """Wait for the worker's thread to end, which should never happen, and restart it."""
        thread = self.thread
        for pause in (0, 1, 10, 60, None):
            assert thread is not None  # nosec B101  # for mypy, which can't know
            thread.join()
            if pause is None:
                log.error("worker thread died too often; no more images are generated until Fooocus is restarted")
                for job in [item for item in self.queue or () if isinstance(item, WorkerJob)]:
                    job.refuse(WorkerNotRunning())
                return
            log.error("worker thread died; restarting it")
            if self.current is not None:
                error = TaskError("WorkerDied", "Fooocus's worker thread died")
                self.saves.emit(events.Failed(getattr(self.current, ID_ATTRIBUTE), [], error))
                finish, append = ["finish", []], partial(list.append, self.current.yields)
                if not self.postpone(self.current, finish, append):  # a browser may wait for it
                    append(finish)
                self.current = None
            time.sleep(pause)
            self.thread = thread = threading.Thread(target=target, daemon=True)
            thread.start()


def _is_blacked_out(task: Any, image: Any) -> bool:
    """Return whether a saved image is the black one that the host's safety checker substitutes for an unsafe image."""
    config = loaded_module("modules.config")
    checked = getattr(task, "black_out_nsfw", False) or getattr(config, "default_black_out_nsfw", False)
    return bool(checked) and not image.any()


class _LastStop:
    """`AsyncTask.last_stop`, with a count of skips: the worker resets a skip to False, which would lose who requested it."""

    def __get__(self, task: Any, owner: type) -> Any:
        return self if task is None else vars(task).get("last_stop", False)

    def __set__(self, task: Any, value: Any) -> None:
        vars(task)["last_stop"] = value
        if value == "skip":
            vars(task)[SKIPS_ATTRIBUTE] = vars(task).get(SKIPS_ATTRIBUTE, 0) + 1


def interrupt_flag(value: bool) -> None:
    """Set or clear the host's global flag that interrupts sampling."""
    management = loaded_module("ldm_patched.modules.model_management")
    if management is not None:
        management.interrupt_current_processing(value)
