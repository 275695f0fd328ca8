"""Applies worker events to active tasks: updates their state, persists it and notifies subscribers."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ...db.repository import Repository
from ...images.input_store import InputStore
from ..history.leftovers import Leftovers
from ..history.retention import Retention
from ..model import events, rows
from ..model.active_tasks import ActiveTask, ActiveTasks
from ..model.gaps import Gaps, complain, reason_of
from ..model.json_values import json_value
from ..model.outlook import NO_OUTLOOK
from ..model.task import BLACKED_OUT, TERMINAL_STATUSES, Task, TaskStatus
from ..ports.engine import Engine
from ..queue.estimator import Estimator
from ..queue.eta import EtaCalculator
from ..streaming.broadcaster import Broadcaster
from ..streaming.event_bus import EventBus
from ..streaming.updates import Kind
from ..webhooks.delivery import Webhooks
from .ending import Ending, as_written, ended_task, write_end
from .metrics import Metrics
from .result_files import ResultFiles

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
END_WRITE_TIMEOUT_S = 5.0
"""Seconds to wait for the commit of a task's end before subscribers are notified anyway."""
NO_STEP = ("", 0.0)


class TaskLifecycle:
    """Handles all events of the bus."""

    def __init__(
        self,
        live: ActiveTasks,
        engine: Engine,
        repository: Repository,
        bus: EventBus,
        broadcast: Broadcaster,
        leftovers: Leftovers,
        inputs: InputStore,
        removal: Retention,
        estimator: Estimator,
        forecast: EtaCalculator,
        meter: Metrics,
        webhooks: Webhooks,
    ) -> None:
        self._live = live
        self._engine = engine
        self._repository = repository
        self._bus = bus
        self._broadcast = broadcast
        self._leftovers = leftovers
        self._files = ResultFiles(engine, inputs)
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
        """Write no more starts of tasks, as Fooocus shuts down. Ends of tasks are still written."""
        with self._starting:
            self._leaving = True

    def close(self, within_s: float | None = None) -> None:
        """Finish saving images. Wait at most `within_s` seconds, without a limit if None."""
        if within_s is not None:
            with contextlib.suppress(RuntimeError):  # at the interpreter's exit the executor has finished already
                wait([self._slow.submit(lambda: None)], within_s)
        self._slow.shutdown(wait=within_s is None)

    def apply(self, event: events.Event) -> None:
        """Apply an event. If that fails for a terminal event, end the task anyway. Bus thread only."""
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
                outlook = self._forecast.of(task) if self._broadcast.is_followed(task.task_id) else NO_OUTLOOK
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
                self._last_step = NO_STEP  # the time between two images is not that of a step
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
        """Publish changed queue positions of pending tasks that have subscribers, except `but`."""
        waiting = [live for task_id in self._broadcast.listened_to() - {but} if (live := self._live.get(task_id))]
        waiting = [live for live in waiting if live.task.status is TaskStatus.PENDING]
        outlooks = self._forecast.some([live.task.task_id for live in waiting]) if waiting else {}
        for live in waiting:
            outlook = outlooks.get(live.task.task_id) or self._forecast.of(live.task)
            if outlook.queue_position != live.position:
                live.position = outlook.queue_position
                self._broadcast.publish("queued", live.task, outlook=outlook)

    def _adopt(self, event: events.Queued) -> ActiveTask:
        """Return an active task for a WebUI task, after its row is written or `END_WRITE_TIMEOUT_S` has passed."""
        gaps = Gaps(event.task_id)
        none: dict[str, Any] = {}
        parameters = gaps.attempt("the request's fields", lambda: dict(json_value(event.parameters)), none)
        task = Task(event.task_id, event.source, parameters, queued_at=event.at)

        def inserted(row_id: int) -> None:
            task.id = task.rank = row_id

        row = gaps.attempt("the task's row", lambda: rows.to_row(task), None)
        if row is not None:
            wait(
                [self._follow(lambda: self._repository.insert(row), event.task_id, inserted)],
                timeout=END_WRITE_TIMEOUT_S,
            )
        live = self._live.add(task)
        live.gaps = gaps
        if event.images:
            self._slow.submit(self._keep_inputs, live, event)
        return live

    def _keep_inputs(self, live: ActiveTask, event: events.Queued) -> None:
        parameters = self._files.with_inputs(event, live)
        live.task.parameters, live.effort = parameters, None
        inputs = list(rows.inputs_of(parameters))
        self._follow(lambda: self._repository.add_inputs(event.task_id, parameters, inputs), event.task_id)

    def _keep_all(self, event: events.Ended, live: ActiveTask) -> None:
        """Save all results as files, then emit the event again with their paths."""
        otherwise = replace(event, results=[result for result in event.results if isinstance(result, str)])
        live.ending = live.gaps.attempt("the results", lambda: self._files.with_results(event, live), otherwise)
        live.is_kept = True
        self._bus.emit(live.ending)

    def _end(self, live: ActiveTask, event: events.Ended) -> None:
        """End a task. The order matters: commit, notify, then handle the next task's start. If the commit takes longer than
        `END_WRITE_TIMEOUT_S`, notify anyway; until it succeeds the result is visible in memory only."""
        kind, task = ended_task(live, event, lambda path: self._files.image(live, path))
        written = self._follow(write_end(self._repository, self._webhooks, task, live.gaps), task.task_id)
        wait([written], timeout=END_WRITE_TIMEOUT_S)
        waited, live.task = live.task.status is TaskStatus.PENDING, as_written(written, task)
        for step in self._after(live, event, kind, written, waited=waited):
            self._safely(task.task_id, step)

    def _after(
        self, live: ActiveTask, event: events.Ended, kind: Kind, written: Ending, *, waited: bool
    ) -> Iterator[Callable[[], object]]:
        """Yield the steps after an end as separate callables, so that the failure of one does not prevent the others."""
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
        except BaseException:  # subscribers would wait forever
            complain("an end not told; telling it again", task_id=task.task_id)
            self._broadcast.publish(kind, task)

    def _say(self, task: Task, seconds: float | None) -> None:
        error = task.error.type if task.error else None  # its message may quote the request
        told = {"task_id": task.task_id, "images": len(task.images), "seconds": seconds, "error": error}
        log.log(logging.WARNING if error else logging.INFO, f"task {task.status.value}", extra=told)

    def _wake(self, written: Ending) -> None:
        """Start the delivery of the webhook that came due with an end."""
        done = written.result() if written.exception() is None else None
        if done is not None and done.receiver is not None:
            self._webhooks.wake(done.receiver)

    def _forget(self, live: ActiveTask, event: events.Ended, written: Ending) -> None:
        """Remove a task with a written end from the active ones, and delete its unfinished images."""
        if written.exception() is None:
            self._live.remove(live.task.task_id)
            done = {*live.saved, *(result for result in event.results if isinstance(result, str))}
            with contextlib.suppress(RuntimeError):  # after `close` the next start deletes them
                self._slow.submit(self._safely, live.task.task_id, partial(self._sweep, live.task.task_id, done))

    def _sweep(self, task_id: str, done: set[str]) -> None:
        self._leftovers.sweep(task_id, done)
        self._leftovers.settle({task_id})

    def _write_start(self, task: Task) -> None:
        values = rows.changes(task)
        with self._starting:  # a start written after `leave` would undo `Recovery.put_back`
            if not self._leaving:
                self._follow(
                    lambda: self._repository.update(task.task_id, values, unless=TERMINAL_STATUSES), task.task_id
                )

    def _follow(self, change: Callable[[], T], task_id: str, then: Callable[[T], None] | None = None) -> Future[T]:
        """Write a change, with retries until the database accepts it. Log a final failure."""

        def written(done: Future[T]) -> None:
            if (error := done.exception()) is not None:
                log.error("task not written", extra={"task_id": task_id, "reason": reason_of(error)})

        future = self._repository.write(change, then, must=True)
        future.add_done_callback(written)
        return future
