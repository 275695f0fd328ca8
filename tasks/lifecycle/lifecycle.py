"""Applies worker events to active tasks: updates their state, persists it and notifies subscribers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from ..model import events
from ..model.active_tasks import ActiveTask, ActiveTasks
from ..model.gaps import Gaps, complain, run_safely
from ..model.json_values import json_value
from ..model.stage import Stage
from ..model.task import BLACKED_OUT, Task, TaskStatus
from ..storage.store import TaskStore
from ..storage.written_end import EndWrite, as_written
from ..streaming.event_bus import EventBus
from ..streaming.updates import Kind
from .ending import ended_task
from .notifier import QueueNotifier
from .observers import TaskObserver
from .result_files import ResultFiles


class TaskLifecycle:
    """Handles all events of the bus, each in this order: state, database, observers, subscribers."""

    def __init__(
        self,
        active: ActiveTasks,
        store: TaskStore,
        results: ResultFiles,
        notifier: QueueNotifier,
        observers: Sequence[TaskObserver],
        bus: EventBus,
    ) -> None:
        self._active = active
        self._store = store
        self._results = results
        self._notifier = notifier
        self._observers = observers
        self._bus = bus

    def handle(self, event: events.Event) -> None:
        """Apply an event. If that fails for a terminal event, end the task anyway. Bus thread only."""
        try:
            self._handle(event)
        except BaseException:
            complain("event handling failed", task_id=event.task_id, kind=type(event).__name__)
            live = self._active.get(event.task_id)
            if isinstance(event, events.Ended) and live is not None and not live.task.status.is_terminal:
                self._finish(live, event)

    def _handle(self, event: events.Event) -> None:
        if isinstance(event, events.Unloaded):
            self._observe(event, None)
            return
        live = self._active.get(event.task_id)
        if live is None:
            if not isinstance(event, events.Queued):
                return
            live = self._register_webui_task(event)
        if live.ending is not None and event is not live.ending:
            return  # the first end counts
        task = live.task
        match event:
            case events.Queued():
                self._observe(event, live)
                self._notifier.queued(task)
                self._notifier.queue_changed(task.task_id)
            case events.Started():
                self._active.start(live)
                live.started_s = event.clock_s
                task.transition(TaskStatus.RUNNING, at=event.at)
                task.stage = Stage("loading", image_count=live.workload.images)
                self._store.write_start(task)
                self._observe(event, live)
                self._notifier.running("started", task)
                self._notifier.queue_changed()
            case events.Encoded():
                self._observe(event, live)
            case events.Moved():
                self._observe(event, live)
                self._notifier.queue_changed()
            case events.Progress(percent=percent, title=title, stage=stage):
                task.progress, task.title, task.stage = percent, title, stage.after(task.stage)
                preview = event.image if isinstance(event, events.Preview) else None
                live.preview = preview or live.preview
                self._observe(event, live)
                self._notifier.running("progress", task, preview)
            case events.ImageSaved(path=path, metadata=metadata):
                live.saved[path] = metadata
                self._results.publish(live, path)
                self._observe(event, live)
                if (image := self._results.image(live, path)) is not None:
                    if event.blacked_out:
                        task.notes = {**task.notes, BLACKED_OUT: [*task.notes.get(BLACKED_OUT, ()), image.path]}
                    self._notifier.image(task, image)
            case events.Ended():
                live.ending = event
                if self._results.needs_saving(event, live):
                    self._results.save(event, live, self._bus.emit)
                else:
                    self._finish(live, event)

    def _register_webui_task(self, event: events.Queued) -> ActiveTask:
        """Return an active task for a WebUI task, after its row is written or the store's timeout has passed."""
        gaps = Gaps(event.task_id)
        none: dict[str, Any] = {}
        parameters = gaps.attempt("the request's fields", lambda: dict(json_value(event.parameters)), none)
        task = Task(event.task_id, event.source, parameters, queued_at=event.at)
        workload = self._results.workload(task, gaps)
        self._store.insert(task, workload, gaps)
        live = self._active.add(task, workload, gaps)
        if event.images:
            self._results.save_inputs(event, live, self._store.write_inputs)
        return live

    def _finish(self, live: ActiveTask, event: events.Ended) -> None:
        """End a task. The order matters: commit, notify, then handle the next task's start. If the commit takes longer than the
        store's timeout, notify anyway; until it succeeds the result is visible in memory only."""
        kind, task = ended_task(live, event, partial(self._results.image, live))
        written = self._store.write_end(task, live.workload, live.gaps)
        conclude = partial(self._conclude, live, event, kind, task, written)
        if self._store.is_shared and not written.done():
            # Another process may have the task by the time the database answers, and then this end does not count.
            _once_written(task.task_id, written, conclude)
        else:
            conclude()

    def _conclude(self, live: ActiveTask, event: events.Ended, kind: Kind, task: Task, written: EndWrite) -> None:
        if self._store.was_lost(written):
            self._active.remove(task.task_id)
            if task.source == "webui":  # its images are shown in a browser
                self._results.sweep(live, event)
            else:
                self._results.discard(task.task_id)
            self._observe(events.TakenOver(task.task_id), live)
            return
        was_pending = live.task.status is TaskStatus.PENDING
        self._active.end(live, as_written(written, task))
        for step in self._after(live, event, kind, written, was_pending=was_pending):
            run_safely(task.task_id, step)

    def _after(
        self, live: ActiveTask, event: events.Ended, kind: Kind, written: EndWrite, *, was_pending: bool
    ) -> Iterator[Callable[[], object]]:
        """Yield the steps after an end as separate callables, so that the failure of one does not prevent the others."""
        task = live.task
        yield partial(self._observe, event, live)
        yield partial(self._notifier.ended, kind, task)
        if was_pending:
            yield self._notifier.queue_changed
        for step in (partial(self._release, live, event, written), partial(self._store.wake, written)):
            yield partial(_once_written, task.task_id, written, step)
        yield partial(self._results.expire, task)

    def _release(self, live: ActiveTask, event: events.Ended, written: EndWrite) -> None:
        """Remove a task with a written end from the active ones, and delete its unfinished images."""
        if written.exception() is None:
            self._active.remove(live.task.task_id)
            self._results.sweep(live, event)

    def _observe(self, event: events.Event, live: ActiveTask | None) -> None:
        for observer in self._observers:
            run_safely(event.task_id, partial(observer.on_event, event, live))


def _once_written(task_id: str, written: EndWrite, step: Callable[[], None]) -> None:
    written.add_done_callback(lambda _: run_safely(task_id, step))
