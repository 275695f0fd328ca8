"""Queue positions and ETAs of pending and running tasks. Not on an event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ..model.active_tasks import ActiveTasks
from ..model.outlook import NO_OUTLOOK, Outlook
from ..model.task import Task, TaskStatus
from ..ports.engine import Engine
from .estimator import Estimator


@dataclass(frozen=True)
class QueueSnapshot:
    """Places of the next tasks: id → number of tasks ahead, and seconds from the end of the running task to its own end.

    `mean_s` is the mean of their seconds, for the tasks behind them; None without measurements. Valid as long as the queue has
    this `order` and the estimator this `version`.
    """

    order: list[str]
    version: int
    places: dict[str, tuple[int, float | None]]
    mean_s: float | None

    def behind(self, position: int) -> tuple[int, float | None]:
        """Return the place of a task behind the next ones. A sum over all of them would cost more with each pending task."""
        return position, None if self.mean_s is None else self.mean_s * (position + 1)


class EtaCalculator:
    """Computes outlooks from the queue's order and the estimator's measurements."""

    def __init__(self, active: ActiveTasks, engine: Engine, estimator: Estimator) -> None:
        self._active = active
        self._engine = engine
        self._estimator = estimator
        self._lock = threading.Lock()
        self._generation = 0
        self._known = QueueSnapshot([], -1, {}, None)

    def outlook(self, task: Task) -> Outlook:
        """Return a task's outlook."""
        if task.status is TaskStatus.RUNNING:
            return Outlook(eta_seconds=_rounded(self._estimator.remaining(task)))
        if task.status is not TaskStatus.PENDING:
            return NO_OUTLOOK
        place = self._place(self._snapshot(), task.task_id)
        if place is not None:
            return _outlook(place, self._until_free())
        return self._outlook_of_taken(task) if self._engine.in_hand() == task.task_id else NO_OUTLOOK

    def outlooks(self, task_ids: Iterable[str]) -> dict[str, Outlook]:
        """Return the outlooks of these tasks by id, without those that are not in the queue."""
        free, snapshot = self._until_free(), self._snapshot()
        return {task_id: _outlook(place, free) for task_id in task_ids if (place := self._place(snapshot, task_id))}

    def _place(self, snapshot: QueueSnapshot, task_id: str) -> tuple[int, float | None] | None:
        """Return a task's place, None if it is not in the queue."""
        place = snapshot.places.get(task_id)
        if place is None and (position := self._engine.place(task_id)) is not None:
            place = snapshot.behind(position)
        return place

    def _outlook_of_taken(self, task: Task) -> Outlook:
        """Return the outlook of a task that the worker has taken. Its `Started` event may still be on its way."""
        running = self._active.running()
        if running is not None and running.task_id == task.task_id:
            return Outlook(0, _rounded(self._estimator.remaining(running)))
        live = self._active.get(task.task_id)
        seconds = None if live is None else self._estimator.seconds(live.workload, self._estimator.loaded)
        return _outlook((0, seconds), 0.0)

    def _until_free(self) -> float | None:
        """Return the seconds until the running task ends: 0 without one, None without measurements or while the queue is
        paused."""
        if self._engine.is_paused():
            return None
        running = self._active.running()
        return 0.0 if running is None else self._estimator.remaining(running)

    def _snapshot(self) -> QueueSnapshot:
        """Return the current places. Callers that arrive during a computation share the next one: otherwise each request of
        a flood, as each changes the queue, would predict its order again."""
        generation = self._generation
        with self._lock:
            if self._generation == generation:
                self._generation += 1
                order, version = self._engine.order(), self._estimator.version
                if order is not self._known.order or version != self._known.version:
                    self._known = self._compute(order, version)
            return self._known

    def _compute(self, order: list[str], version: int) -> QueueSnapshot:
        total: float | None = 0.0
        loaded = self._estimator.loaded
        places = {}
        for position, task_id in enumerate(order):
            live = self._active.get(task_id)
            if live is None:
                total = None
            elif total is not None:
                seconds = self._estimator.seconds(live.workload, loaded)
                total = None if seconds is None else total + seconds
                loaded = live.workload.needs
            places[task_id] = position, total
        return QueueSnapshot(order, version, places, total / len(order) if total is not None and order else None)


def _outlook(place: tuple[int, float | None], free: float | None) -> Outlook:
    position, seconds = place
    return Outlook(position, None if free is None or seconds is None else _rounded(free + seconds))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
