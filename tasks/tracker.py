"""Follows the worker: its events change the living tasks, are written, and are told to everyone who listens."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ..db.repository import Repository
from . import events, storage
from .broadcast import Broadcast
from .bus import EventBus
from .ending import Ending, as_written, ended_task, write_end
from .engine import Engine
from .estimate import Estimator
from .files import Files
from .forecast import NOTHING, Forecast
from .gaps import Gaps, complain, reason_of
from .inputs import InputStore
from .json_values import json_value
from .leftovers import Leftovers
from .live import LiveTask, LiveTasks
from .meter import Meter
from .removal import Removal
from .task import BLACKED_OUT, TERMINAL_VALUES, Task, TaskStatus
from .updates import Kind
from .webhooks import Webhooks

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds that the end of a task waits for the disk."""
NO_STEP = ("", 0.0)


class Tracker:
    """The bus's one handler."""

    def __init__(
        self,
        live: LiveTasks,
        engine: Engine,
        repository: Repository,
        bus: EventBus,
        broadcast: Broadcast,
        leftovers: Leftovers,
        inputs: InputStore,
        removal: Removal,
        estimator: Estimator,
        forecast: Forecast,
        meter: Meter,
        webhooks: Webhooks,
    ) -> None:
        self._live = live
        self._engine = engine
        self._repository = repository
        self._bus = bus
        self._broadcast = broadcast
        self._leftovers = leftovers
        self._files = Files(engine, inputs)
        self._removal = removal
        self._estimator = estimator
        self._forecast = forecast
        self._meter = meter
        self._webhooks = webhooks
        self._last_step = NO_STEP
        self._starting = threading.Lock()
        self._leaving = False
        self._slow = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fooocus-api-images")

    def leave(self) -> None:
        """Fooocus ends: from now on no row says that its task has begun. One that ends all the same is written whole."""
        with self._starting:
            self._leaving = True

    def close(self, within_s: float | None = None) -> None:
        """Finish what is being saved; return after so many seconds anyway."""
        if within_s is not None:
            with contextlib.suppress(RuntimeError):  # the process ends, and has finished it before it asks anyone
                wait([self._slow.submit(lambda: None)], within_s)
        self._slow.shutdown(wait=within_s is None)

    def apply(self, event: events.Event) -> None:
        """Do what an event means, on the bus's thread. Whatever fails of it, a task that has ended has its end."""
        try:
            self._apply(event)
        except BaseException:
            complain("event not handled", task_id=event.task_id, kind=type(event).__name__)
            live = self._live.get(event.task_id)
            if isinstance(event, events.Ended) and live is not None and not live.task.status.is_terminal:
                self._end(live, event)

    def _apply(self, event: events.Event) -> None:
        if isinstance(event, events.Unloaded):
            self._estimator.unloaded()
            return
        live = self._live.get(event.task_id)
        if live is None:
            if not isinstance(event, events.Queued):
                return
            live = self._adopt(event)
        if live.ending is not None and event is not live.ending:
            return  # the first end counts
        task = live.task
        self._safely(task.task_id, lambda: self._meter.event(type(event).__name__.lower()))
        match event:
            case events.Queued():
                log.info("task queued", extra={"task_id": task.task_id, "source": task.source})
                log.debug("task's prompt", extra={"task_id": task.task_id, "prompt": task.parameters.get("prompt")})
                outlook = self._forecast.of(task) if self._broadcast.is_followed(task.task_id) else NOTHING
                self._broadcast.publish("queued", task, outlook=outlook)
                self._tell_waiting(task.task_id)
            case events.Started():
                self._live.begin(live)
                live.started_s = event.clock_s
                task.transition(TaskStatus.RUNNING, at=event.at)
                self._write_start(task)
                log.info("task started", extra={"task_id": task.task_id, "attempt": task.attempts})
                self._estimator.started(task)
                self._broadcast.publish("started", task, outlook=self._forecast.of(task))
                self._tell_waiting()
            case events.Moved():
                self._tell_waiting()
            case events.Progress(percent=percent, title=title):
                task.progress, task.title = percent, title
                preview = event.image if isinstance(event, events.Preview) else None
                if event.is_step:
                    self._step(task, event.clock_s)
                live.preview = preview or live.preview
                self._broadcast.publish("progress", task, preview, outlook=self._forecast.of(task))
            case events.ImageSaved(path=path, metadata=metadata):
                live.saved[path] = metadata
                self._last_step = NO_STEP  # what is between two images is none
                if (image := self._files.image(live, path)) is not None:
                    if event.blacked_out:
                        task.notes = {**task.notes, BLACKED_OUT: [*task.notes.get(BLACKED_OUT, ()), image.path]}
                    self._broadcast.publish("image", task, image=image)
            case events.Ended():
                live.ending = event
                if (
                    not live.gaps.attempt("the results", lambda: self._files.are_kept(event, task), False)
                    and not live.is_kept
                ):
                    self._slow.submit(self._keep_all, event, live)
                else:
                    self._end(live, event)

    def _step(self, task: Task, clock_s: float) -> None:
        self._estimator.step(task.task_id, task.progress)
        before, self._last_step = self._last_step, (task.task_id, clock_s)
        if before[0] == task.task_id:
            self._meter.step(clock_s - before[1])

    def _tell_waiting(self, but: str | None = None) -> None:
        """The queue has changed: tell those who listen to a task that waits where it stands now."""
        waiting = [live for task_id in self._broadcast.listened_to() - {but} if (live := self._live.get(task_id))]
        waiting = [live for live in waiting if live.task.status is TaskStatus.PENDING]
        outlooks = self._forecast.some([live.task.task_id for live in waiting]) if waiting else {}
        for live in waiting:
            outlook = outlooks.get(live.task.task_id) or self._forecast.of(live.task)
            if outlook.queue_position != live.position:
                live.position = outlook.queue_position
                self._broadcast.publish("queued", live.task, outlook=outlook)

    def _adopt(self, event: events.Queued) -> LiveTask:
        """Return a new task of the WebUI's. It is shown once it has a row, or its row has been waited for in vain."""
        gaps = Gaps(event.task_id)
        none: dict[str, Any] = {}
        parameters = gaps.attempt("the request's fields", lambda: dict(json_value(event.parameters)), none)
        task = Task(event.task_id, event.source, parameters, queued_at=event.at)

        def inserted(row_id: int) -> None:
            task.id = task.rank = row_id

        row = gaps.attempt("the task's row", lambda: storage.to_row(task), None)
        if row is not None:
            wait([self._follow(lambda: self._repository.insert(row), event.task_id, inserted)], timeout=PATIENCE)
        live = self._live.add(task)
        live.gaps = gaps
        if event.images:
            self._slow.submit(self._keep_inputs, live, event)
        return live

    def _keep_inputs(self, live: LiveTask, event: events.Queued) -> None:
        parameters = self._files.with_inputs(event, live)
        live.task.parameters, live.effort = parameters, None
        inputs = list(storage.inputs_of(parameters))
        self._follow(lambda: self._repository.add_inputs(event.task_id, parameters, inputs), event.task_id)

    def _keep_all(self, event: events.Ended, live: LiveTask) -> None:
        """Make files of all results, then let the event go on as if the host had."""
        otherwise = replace(event, results=[result for result in event.results if isinstance(result, str)])
        live.ending = live.gaps.attempt("the results", lambda: self._files.with_results(event, live), otherwise)
        live.is_kept = True
        self._bus.emit(live.ending)

    def _end(self, live: LiveTask, event: events.Ended) -> None:
        """End a task. In the right order for everyone: on the disk, then told, then the next task's start. Only when the disk
        can't be written people are not kept waiting: then it is seen in memory until its row says so."""
        kind, task = ended_task(live, event, lambda path: self._files.image(live, path))
        written = self._follow(write_end(self._repository, self._webhooks, task, live.gaps), task.task_id)
        wait([written], timeout=PATIENCE)
        waited, live.task = live.task.status is TaskStatus.PENDING, as_written(written, task)
        for step in self._after(live, event, kind, written, waited=waited):
            self._safely(task.task_id, step)

    def _after(
        self, live: LiveTask, event: events.Ended, kind: Kind, written: Ending, *, waited: bool
    ) -> Iterator[Callable[[], object]]:
        """Yield the consequences of an end, each for itself: none may keep the others from happening."""
        task = live.task
        seconds = round(event.clock_s - live.started_s, 3) if live.started_s is not None else None
        drawn = len(task.images) if task.status is TaskStatus.FINISHED else 0
        yield lambda: self._estimator.ended(task.task_id, drawn)
        yield lambda: self._tell_end(kind, task)
        if waited:
            yield self._tell_waiting
        if seconds is not None:
            yield lambda: self._meter.task(task.status.value, seconds)
        yield lambda: self._say(task, seconds)
        for then in (partial(self._forget, live, event, written), partial(self._wake, written)):
            yield partial(self._once_written, task.task_id, written, then)
        passing = [image.path for image in task.images if not image.kept]
        yield lambda: self._slow.submit(self._safely, task.task_id, lambda: self._removal.throw_away(passing))

    def _once_written(self, task_id: str, written: Ending, then: Callable[[], None]) -> None:
        written.add_done_callback(lambda _: self._safely(task_id, then))

    def _safely(self, task_id: str, step: Callable[[], object]) -> None:
        try:
            step()
        except BaseException:
            complain("a part of an event not handled", task_id=task_id)

    def _tell_end(self, kind: Kind, task: Task) -> None:
        try:
            self._broadcast.publish(kind, task)
        except BaseException:  # they wait for nothing else
            complain("an end not told; telling it again", task_id=task.task_id)
            self._broadcast.publish(kind, task)

    def _say(self, task: Task, seconds: float | None) -> None:
        error = task.error.type if task.error else None  # its message may quote the request
        told = {"task_id": task.task_id, "images": len(task.images), "seconds": seconds, "error": error}
        log.log(logging.WARNING if error else logging.INFO, f"task {task.status.value}", extra=told)

    def _wake(self, written: Ending) -> None:
        """Deliver what came due with an end."""
        done = written.result() if written.exception() is None else None
        if done is not None and done.receiver is not None:
            self._webhooks.wake(done.receiver)

    def _forget(self, live: LiveTask, event: events.Ended, written: Ending) -> None:
        """The end is on the disk, where everyone finds it now. Images that were begun and never done go."""
        if written.exception() is None:
            self._live.remove(live.task.task_id)
            done = {*live.saved, *(result for result in event.results if isinstance(result, str))}
            with contextlib.suppress(RuntimeError):  # closed: then it goes at the next start
                self._slow.submit(self._safely, live.task.task_id, partial(self._sweep, live.task.task_id, done))

    def _sweep(self, task_id: str, done: set[str]) -> None:
        self._leftovers.sweep(task_id, done)
        self._leftovers.settle({task_id})

    def _write_start(self, task: Task) -> None:
        values = storage.changes(task)
        with self._starting:  # what is written after `leave` would undo that the task is put back
            if not self._leaving:
                self._follow(
                    lambda: self._repository.update(task.task_id, values, unless=TERMINAL_VALUES), task.task_id
                )

    def _follow(self, change: Callable[[], T], task_id: str, then: Callable[[T], None] | None = None) -> Future[T]:
        """Write what has happened, however long the database can't be written."""

        def written(done: Future[T]) -> None:
            if (error := done.exception()) is not None:
                log.error("task not written", extra={"task_id": task_id, "reason": reason_of(error)})

        future = self._repository.write(change, then, must=True)
        future.add_done_callback(written)
        return future
