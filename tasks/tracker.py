"""Follows the worker: its events change the living tasks, are written, and are handed to everyone who listens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ..db.repository import Repository
from . import events, storage
from .bus import EventBus
from .claims import Claims
from .engine import Engine
from .inputs import InputStore
from .live import LiveTask, LiveTasks
from .removal import Removal
from .results import describe
from .task import TERMINAL, Task, TaskError, TaskStatus

log = logging.getLogger("fooocus_api.tasks")

ENDED = tuple(status.value for status in TERMINAL)


class Tracker:
    """The bus's one handler. Nobody is told that a task has ended before its row says so."""

    def __init__(
        self,
        live: LiveTasks,
        engine: Engine,
        repository: Repository,
        bus: EventBus,
        claims: Claims,
        inputs: InputStore,
        removal: Removal,
    ) -> None:
        self._live = live
        self._engine = engine
        self._repository = repository
        self._bus = bus
        self._claims = claims
        self._inputs = inputs
        self._removal = removal
        self._slow = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-images")

    def close(self) -> None:
        """Finish what is being saved."""
        self._slow.shutdown(wait=True)

    def apply(self, event: events.Event) -> None:
        """What an event means. On the bus's thread only."""
        live = self._live.get(event.task_id)
        if live is None:
            if not isinstance(event, events.Queued):
                return
            live = self._adopt(event)
        task = live.task
        match event:
            case events.Started():
                task.transition(TaskStatus.RUNNING)
                self._write(task)
            case events.Progress(percent=percent, title=title):
                task.progress, task.title = percent, title
                if isinstance(event, events.Preview):
                    live.preview = event.image
            case events.ImageSaved(path=path, metadata=metadata):
                live.saved[path] = metadata
            case events.Ended():
                if task.status.is_terminal:
                    return  # the first one counts
                if not all(self._is_kept(result, task) for result in event.results):
                    self._slow.submit(self._keep_all, event, live)
                else:
                    self._end(live, event)
                return
        self._bus.publish(event)

    def _adopt(self, event: events.Queued) -> LiveTask:
        """A task that came through the WebUI."""
        live = self._live.add(Task(event.task_id, event.source, event.parameters))
        row = storage.to_row(live.task)

        def inserted(row_id: int) -> None:
            live.task.id = live.task.rank = row_id

        self._follow(lambda: self._repository.insert(row), event.task_id, inserted)
        if event.images:
            self._slow.submit(self._keep_inputs, live, event)
        return live

    def _keep_inputs(self, live: LiveTask, event: events.Queued) -> None:
        """The images that were put into the browser, as inputs like any other."""
        parameters = {**live.task.parameters}
        for (field, index, key), array in event.images.items():
            try:
                reference = f"inputs/{self._inputs.add(self._engine.encode(array))}"
            except Exception:
                log.exception("task %s: an input image could not be kept", event.task_id)
                continue
            if index is None:
                parameters[field] = reference
            else:
                items = list(parameters[field])
                items[index] = {**items[index], key: reference}
                parameters[field] = items
        live.task.parameters = parameters
        inputs = list(storage.inputs_of(parameters))
        self._follow(lambda: self._repository.add_inputs(event.task_id, parameters, inputs), event.task_id)

    def _is_kept(self, result: Any, task: Task) -> bool:
        """Whether it is a file where the host keeps them. What the WebUI leaves in the temp folder is its own affair."""
        return isinstance(result, str) and (task.source == "webui" or self._engine.relative_path(result) is not None)

    def _keep_all(self, event: events.Ended, live: LiveTask) -> None:
        """Some results come as arrays (image grids, debug images) or lie in the host's temp folder: make them files among
        the outputs, then let the event go on as if the host had."""
        task = live.task
        image_format = str(task.parameters.get("output_format", "png"))
        results = []
        for result in event.results:
            try:
                if not isinstance(result, str):
                    results.append(self._engine.save_array(task.task_id, result, image_format))
                elif self._is_kept(result, task):
                    results.append(result)
                else:
                    results.append(self._engine.keep(task.task_id, result))
                    live.saved[results[-1]] = live.saved.get(result, {})
            except Exception:
                log.exception("task %s: a result could not be saved", task.task_id)
        if isinstance(event, events.Finished) and not results:
            error = TaskError("NotSaved", "the images could not be saved among the outputs; see Fooocus's console")
            event = events.Failed(event.task_id, results, error)
        self._bus.emit(replace(event, results=results))

    def _end(self, live: LiveTask, event: events.Ended) -> None:
        task = live.task
        if task.status is TaskStatus.PENDING and not isinstance(event, events.Stopped):
            task.transition(TaskStatus.RUNNING)
        task.images = [
            describe(path, relative, live.saved.get(path, {}), kept=self._engine.is_kept(path))
            for path in dict.fromkeys(event.results)
            if (relative := self._engine.relative_path(path)) is not None
        ]
        if isinstance(event, events.Failed):
            task.error = event.error
        task.transition(STATUS_OF[type(event)])
        log.info("task %s %s: %d images", task.task_id, task.status.value, len(task.images))

        def tell(_: bool) -> None:
            self._live.remove(task.task_id)
            self._claims.release(task.task_id)
            self._bus.publish(event)

        self._write(task, tell)
        self._slow.submit(self._removal.throw_away, [image.path for image in task.images if not image.kept])

    def _write(self, task: Task, then: Callable[[bool], None] | None = None) -> None:
        values = storage.changes(task)
        self._follow(lambda: self._repository.update(task.task_id, values, unless=ENDED), task.task_id, then)

    def _follow(self, change: Callable[[], Any], task_id: str, then: Callable[[Any], None] | None = None) -> None:
        """Write what has happened, however long the database can't be written."""

        def written(done: Any) -> None:
            if (error := done.exception()) is not None:
                log.error("task %s could not be written: %s", task_id, error)

        self._repository.write(change, then, must=True).add_done_callback(written)


STATUS_OF: dict[type[events.Event], TaskStatus] = {
    events.Finished: TaskStatus.FINISHED,
    events.Failed: TaskStatus.FAILED,
    events.Stopped: TaskStatus.STOPPED,
}
