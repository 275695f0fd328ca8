"""Fooocus's worker as the domain's Engine: builds, queues, withdraws and interrupts AsyncTasks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...images.storage.places import ImagePlaces
from ...tasks.model import events
from ...tasks.model.pick import MOVED, OLDEST
from ...tasks.model.task import Task
from ...tasks.model.workload.workload import ModelNeeds, Workload
from ...tasks.ports.engine import EngineFiles, Interruption, ParameterError, QueueOrder, WorkerNotRunning
from ...tasks.queue.scheduler import QueueEntry
from ..host_modules import host_module
from ..task_args.images.image_files import ImageFiles
from ..task_args.lora_prompts import with_tags_applied
from ..task_args.mapping import ArgumentMapper
from ..task_args.workload_fields import repeated_task, save_name, upscale_factor, workload_of
from .queue_items import ID_ATTRIBUTE, QueuedTask
from .random_state import STATE_ATTRIBUTE, stored_state
from .task_overrides import SAVE_NAME_ATTRIBUTE, UPSCALE_ATTRIBUTE
from .worker import Worker


@dataclass(frozen=True)
class Lookups:
    """Functions that find what a task's parameters refer to.

    `places` finds the files of images. `random_state` begins to read the state that is stored for a task, None without one, and
    returns at once.
    """

    places: ImagePlaces
    random_state: Callable[[str], Future[bytes | None]]


class FooocusEngine:
    """Implements `tasks.ports.engine.Engine` on a running host."""

    def __init__(self, worker: Worker, arguments: ArgumentMapper, lookups: Lookups, files: EngineFiles) -> None:
        self._worker = worker
        self._arguments = arguments
        self._find_state = lookups.random_state
        self._inputs = ImageFiles(lookups.places.find_reference)
        self.files = files

    @property
    def order(self) -> QueueOrder:
        return self._worker.order

    def check(self, parameters: dict[str, Any]) -> None:
        if not self._worker.alive() or self._worker.queue is None:
            raise WorkerNotRunning()
        self._new_task(parameters, self._arguments.without_images)

    def workload(self, parameters: dict[str, Any]) -> Workload:
        return workload_of(parameters, steps_of)

    def enqueue(self, task: Task, workload: Workload) -> None:
        self._append(task, workload, is_new=True)

    def hand_over(self, task: Task, workload: Workload) -> None:
        self._append(task, workload, is_new=False)

    def _append(self, task: Task, workload: Workload, *, is_new: bool) -> None:
        if self._worker.queue is None:
            return
        entry = QueueEntry(
            None,
            task.source,
            workload.priority,
            task.was_moved,
            task.was_moved_to_end,
            workload.needs,
            fixed=OLDEST if task.attempts else MOVED,  # one that had started when an earlier process ended comes first
        )
        state = self._find_state(task.task_id) if repeated_task(task.parameters) else None
        queued = QueuedTask(task.task_id, partial(self._build, task.parameters, state), entry)
        self._worker.queue.append_task(queued, is_new=is_new)

    def _build(self, parameters: dict[str, Any], state: Future[bytes | None] | None) -> Any:
        task = self._new_task(
            parameters, lambda values, files: self._arguments.to_positional(values, files.rgb, files.mask)
        )
        if state is not None:
            setattr(task, STATE_ATTRIBUTE, stored_state(state))
        return task

    def _new_task(
        self, parameters: dict[str, Any], to_positional: Callable[[dict[str, Any], ImageFiles], list[Any]]
    ) -> Any:
        """Return a new AsyncTask, whose arguments `to_positional` makes of the parameters."""
        parameters = with_tags_applied(parameters, host_module("modules.config").lora_filenames)
        try:
            task = host_module("modules.async_worker").AsyncTask(args=to_positional(parameters, self._inputs))
        except (KeyError, ValueError, TypeError) as error:
            raise ParameterError(str(error)) from error
        setattr(task, SAVE_NAME_ATTRIBUTE, save_name(parameters))
        setattr(task, UPSCALE_ATTRIBUTE, upscale_factor(parameters))
        return task

    def withdraw(self, task_id: str) -> bool:
        entry = self._worker.queue.remove_task(task_id) if self._worker.queue is not None else None
        if entry is None:
            return False
        item = entry.key
        if isinstance(item, QueuedTask):
            self._worker.bus.emit(events.Stopped(task_id, []))
        else:
            item.last_stop = "stop"
            item.yields.append(["finish", item.results])  # without it a browser waits forever
        return True

    def is_free(self) -> bool:
        """Return whether a task of the API would start at once."""
        return self._worker.alive() and self._worker.current is None and not self._worker.queue

    def loaded(self) -> ModelNeeds | None:
        """Return the models that the last task has loaded, None for none."""
        return self._worker.handling.scheduler.loaded

    def in_hand(self) -> str | None:
        return getattr(self._worker.current, ID_ATTRIBUTE, None)

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        task = self._worker.current
        if task is None or getattr(task, ID_ATTRIBUTE, None) != task_id:
            return self._worker.saves.is_ending(task_id)  # its images are being saved, and its end follows
        task.last_stop = how  # the worker sets its own flag at the next step it reports
        return True


def steps_of(performance: str) -> int | None:
    """Return the steps of an image with this performance, None for an unknown performance."""
    try:
        steps: int | None = host_module("modules.flags").Performance(performance).steps()
    except ValueError:
        return None
    return steps
