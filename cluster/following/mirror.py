"""The tasks of all processes in this one's memory: the handler of the events that the reader of changed rows puts on the bus."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...tasks.lifecycle.ending import OUTCOMES
from ...tasks.lifecycle.notifier import QueueNotifier
from ...tasks.lifecycle.observers import TaskObserver
from ...tasks.model import events
from ...tasks.model.active_tasks import ActiveTask, ActiveTasks
from ...tasks.model.gaps import run_safely
from ...tasks.model.stage import Stage
from ...tasks.model.task import Image, Task, TaskError, TaskStatus
from ...tasks.model.workload.workload import Workload
from ...tasks.streaming.updates import Kind
from ..control.order import ClusterOrder
from ..jobs.task_jobs import Claims
from .remote_events import Claimed, FilesChanged, RemoteImage, RemoteProgress, RowRead

KINDS: dict[TaskStatus, Kind] = {status: kind for kind, status in OUTCOMES.values()} | {
    TaskStatus.INTERRUPTED: "interrupted"
}
BEGUN_WITH = -1
"""Stands for the queue position with which a stream has begun."""
MAX_ENDED = 10_000
"""Ended tasks that are remembered, so that the notice of an end that was published is not published again."""


@dataclass(frozen=True)
class LocalWorker:
    """The worker of this process as the mirror uses it: `start` puts a claimed task into the host's queue, `give_up` says that
    a claimed task does not come, `is_own` recognises a click in this process's WebUI, `workload` reads a task's parameters. A
    gateway's has no tasks."""

    start: Callable[[Task, Workload], None]
    give_up: Callable[[], None]
    is_own: Callable[[Task], bool]
    workload: Callable[[Task], Workload]


class Mirror:
    """Keeps the active tasks as the rows have them, except those that this process's own worker has. Bus thread only."""

    def __init__(
        self,
        active: ActiveTasks,
        order: ClusterOrder,
        claims: Claims,
        notifier: QueueNotifier,
        worker: LocalWorker,
        reread: Callable[[str], None],
    ) -> None:
        self._reread = reread
        self._active = active
        self._order = order
        self._claims = claims
        self._notifier = notifier
        self._worker = worker
        self._observers: Sequence[TaskObserver] = ()
        self._removed: Callable[[Sequence[Task]], None] = lambda _: None
        self._ended: OrderedDict[str, None] = OrderedDict()

    def observe_with(self, observers: Sequence[TaskObserver], removed: Callable[[Sequence[Task]], None]) -> None:
        """Report the events of other processes' tasks to these observers, and deleted tasks to `removed`."""
        self._observers, self._removed = observers, removed

    def handle(self, event: events.Event) -> None:
        """Apply an event of another process, or of a claim."""
        match event:
            case RowRead(task=None):
                self._forget(event)
            case RowRead(task=Task() as task):
                self._apply(task)
            case Claimed():
                try:
                    self._take(event.task)
                except BaseException:  # even SystemExit, which the bus survives
                    self._claims.discard(event.task_id)  # the heartbeat gives the task back
                    self._worker.give_up()
                    raise
            case RemoteProgress():
                self._progress(event)
            case RemoteImage():
                live = self._remote(event.task_id, event.attempts)
                if live is not None:
                    self._announce_images(live, [event.image])
            case FilesChanged():
                self._have_left(event.lost)
                self._notifier.queue_changed()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Keep the order of the clicks in this process's WebUI, which wait for its worker alone. Release the claim of an own task
        whose end is written, or that another process has by now."""
        if isinstance(event, events.Queued) and active is not None and self._worker.is_own(active.task):
            self._order.add(active.task, active.workload)
        elif isinstance(event, events.Started):
            self._order.picked(event.task_id)
        elif isinstance(event, events.Ended):
            self._order.discard(event.task_id)
            self._release(event.task_id, active)
            self._remember_end(event.task_id)
        elif isinstance(event, events.TakenOver):
            self._release(event.task_id, active)
            self._order.discard(event.task_id)
            self._reread(event.task_id)

    def _release(self, task_id: str, active: ActiveTask | None) -> None:
        """Release the claim of this attempt alone: this process may have claimed the task again already."""
        if active is not None:
            has_started = active.started_s is not None
            self._claims.discard(task_id, active.task.attempts if has_started else active.task.attempts + 1)

    # ------------------------------------------------------------------- claims

    def _take(self, task: Task) -> None:
        """Give a claimed task to the worker. In memory it is pending until the worker starts it."""
        waiting = _waiting(task)
        workload = self._worker.workload(waiting)
        live = self._active.get(task.task_id)
        if live is not None and live.task.status is TaskStatus.RUNNING:
            self._active.requeue(live, waiting)
        elif live is None:  # claimed before its row was read
            live = self._active.add(waiting, workload)
            self._announce_queued(waiting)
        else:
            live.task.attempts, live.task.node, live.task.worker = waiting.attempts, task.node, task.worker
        self._order.picked(task.task_id)
        self._worker.start(live.task, workload)

    def _is_local(self, task: Task) -> bool:
        return self._claims.get(task.task_id) is not None or self._worker.is_own(task)

    # --------------------------------------------------------------------- rows

    def _apply(self, task: Task) -> None:
        live = self._active.get(task.task_id)
        if live is not None and live.task.tags != task.tags:
            live.retag(task.tags)
        if self._is_local(task) and not (task.status.is_terminal and live is None):
            return  # the own worker's events are newer than the row
        if live is not None and live.ending is not None:
            return
        if task.task_id in self._ended and not task.status.is_terminal:
            return  # the row was read before the end, which is final
        if task.status is TaskStatus.PENDING:
            self._apply_pending(task, live)
        elif task.status is TaskStatus.RUNNING:
            self._apply_running(task, live)
        else:
            self._apply_end(task, live)

    def _apply_pending(self, task: Task, live: ActiveTask | None) -> None:
        if live is None:
            workload = self._worker.workload(task)
            self._active.add(task, workload)
            self._order.add(task, workload)
            self._announce_queued(task)
            return
        if live.task.status is not TaskStatus.PENDING:
            self._active.requeue(live, task)
            self._order.add(task, live.workload)
            self._announce_queued(task)
            return
        if (live.task.rank, live.task.notes) == (task.rank, task.notes):
            if self._order.is_misplaced(task.task_id):  # this process has moved it, and its row has the new place
                self._order.add(live.task, live.workload)
            return
        was_moved = live.task.rank != task.rank
        live.task.rank, live.task.notes = task.rank, task.notes
        if (was_moved and task.rank <= 0) or task.was_moved_to_end:
            self._order.add(live.task, live.workload)
            self._observe(events.Moved(task.task_id), live)
            self._notifier.queue_changed()

    def _announce_queued(self, task: Task) -> None:
        live = self._active.get(task.task_id)
        self._observe(events.Queued(task.task_id), live)
        self._notifier.queued(task)
        self._notifier.queue_changed(task.task_id)

    def _apply_running(self, task: Task, live: ActiveTask | None) -> None:
        if live is None:  # claimed before its row was read
            self._apply_pending(_waiting(task), None)
            live = self._active.get(task.task_id)
            if live is None:
                return
        elif live.task.status is TaskStatus.RUNNING and live.task.attempts == task.attempts:
            return
        self._order.picked(task.task_id)
        self._active.start(live)
        live.task = replace(task, stage=Stage("loading", image_count=live.workload.images))
        self._observe(events.Started(task.task_id), live)
        self._notifier.running("started", live.task)
        self._notifier.queue_changed()

    def _apply_end(self, task: Task, live: ActiveTask | None) -> None:
        self._order.discard(task.task_id)
        if task.task_id in self._ended:
            self._active.remove(task.task_id)
            return
        was_pending = live is not None and live.task.status is TaskStatus.PENDING
        if live is not None:
            self._announce_images(live, task.images)
            self._active.end(live, task)
        self._remember_end(task.task_id)
        self._observe(_ended_event(task), live)
        run_safely(task.task_id, partial(self._notifier.ended, KINDS[task.status], task))
        self._active.remove(task.task_id)
        if was_pending:
            self._notifier.queue_changed()

    def _forget(self, event: RowRead) -> None:
        live = self._active.get(event.task_id)
        self._order.discard(event.task_id)
        if live is not None and not self._is_local(live.task):
            self._end_deleted(live)
            self._notifier.queue_changed()
        self._removed([live.task if live is not None else Task(event.task_id, event.source, {})])

    def _end_deleted(self, live: ActiveTask) -> None:
        """Publish an end of a task that was deleted before its end was read here: subscribers wait for one."""
        task = replace(live.task)
        task.transition(TaskStatus.STOPPED)
        task.error = TaskError("Deleted", "the task has ended and was deleted")
        self._active.end(live, task)
        run_safely(task.task_id, partial(self._notifier.ended, "stopped", task))
        self._active.remove(task.task_id)

    # ----------------------------------------------------------------- progress

    def _progress(self, event: RemoteProgress) -> None:
        live = self._remote(event.task_id, event.attempts)
        if live is None:
            return
        task = live.task
        task.progress, task.title, task.stage = event.percent, event.title, event.stage
        live.preview = event.preview or live.preview
        self._observe(events.Progress(event.task_id, event.percent, event.title, stage=event.stage), live)
        self._notifier.running("progress", task, event.preview)

    def _announce_images(self, live: ActiveTask, images: Sequence[Image]) -> None:
        """Report images that were not reported. The notice of one may come after that of the task's end, or get lost."""
        known = {image.path for image in live.task.images}
        for image in images:
            if image.path not in known:
                live.task.images = [*live.task.images, image]
                self._notifier.image(live.task, image)

    def _remote(self, task_id: str, attempts: int) -> ActiveTask | None:
        """Return the task if it runs elsewhere in this attempt, by what is known here."""
        live = self._active.get(task_id)
        if live is None or live.task.status is not TaskStatus.RUNNING or live.task.attempts != attempts:
            return None
        return None if self._is_local(live.task) else live

    # ---------------------------------------------------------------- observers

    def _have_left(self, task_ids: Sequence[str]) -> None:
        """Have the next publication of queue positions say that these have none now: a subscriber may know the first one, with
        which its stream began."""
        for task_id in task_ids:
            live = self._active.get(task_id)
            if live is not None and live.position is None:
                live.position = BEGUN_WITH

    def _observe(self, event: events.Event, live: ActiveTask | None) -> None:
        for observer in self._observers:
            run_safely(event.task_id, partial(observer.on_event, event, live))

    def _remember_end(self, task_id: str) -> None:
        self._ended[task_id] = None
        while len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)


def _waiting(task: Task) -> Task:
    """Return a running task as it was before it was claimed."""
    return replace(task, status=TaskStatus.PENDING, attempts=task.attempts - 1, started_at=-1)


def _ended_event(task: Task) -> events.Ended:
    if task.status is TaskStatus.FAILED and task.error is not None:
        return events.Failed(task.task_id, [], task.error)
    kind = events.Finished if task.status is TaskStatus.FINISHED else events.Stopped
    return kind(task.task_id, [])
