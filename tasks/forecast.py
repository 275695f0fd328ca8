"""Where a waiting task stands and when it will be done. Called by whoever shows tasks; not on an event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from .engine import Engine
from .estimate import Estimator
from .live import LiveTasks
from .task import Task, TaskStatus


@dataclass(frozen=True)
class Outlook:
    """`queue_position`: how many are drawn before it. `eta_seconds`: until it is done. None where nobody can tell."""

    queue_position: int | None = None
    eta_seconds: float | None = None


NOTHING = Outlook()


@dataclass(frozen=True)
class Places:
    """Where all stand: id → how many are before it, and the seconds from the end of the running task to its own.

    They hold as long as the queue has this `order` and the estimator this `version`.
    """

    order: list[str]
    version: int
    places: dict[str, tuple[int, float | None]]


class Forecast:
    """Puts together the queue's order and what the estimator has learnt."""

    def __init__(self, live: LiveTasks, engine: Engine, estimator: Estimator) -> None:
        self._live = live
        self._engine = engine
        self._estimator = estimator
        self._lock = threading.Lock()
        self._looks = 0
        self._known = Places([], -1, {})

    def of(self, task: Task) -> Outlook:
        """One task's outlook."""
        if task.status is TaskStatus.RUNNING:
            return Outlook(eta_seconds=_rounded(self._estimator.remaining(task)))
        if task.status is not TaskStatus.PENDING:
            return NOTHING
        place = self._places().get(task.task_id)
        if place is not None:
            return _outlook(place, self._until_free())
        return self._of_taken(task) if self._engine.in_hand() == task.task_id else NOTHING

    def some(self, task_ids: Iterable[str]) -> dict[str, Outlook]:
        """Return the outlooks of those among these tasks that are in the queue."""
        free, places = self._until_free(), self._places()
        return {task_id: _outlook(place, free) for task_id in task_ids if (place := places.get(task_id))}

    def _of_taken(self, task: Task) -> Outlook:
        """Of a task that the worker has taken, and whose start is still to be told or has been told since."""
        running = self._live.running()
        if running is not None and running.task_id == task.task_id:
            return Outlook(0, _rounded(self._estimator.remaining(running)))
        return _outlook((0, self._estimator.seconds(self._estimator.effort(task), self._estimator.loaded)), 0.0)

    def _until_free(self) -> float | None:
        """Seconds until the running task is done."""
        running = self._live.running()
        return 0.0 if running is None else self._estimator.remaining(running)

    def _places(self) -> dict[str, tuple[int, float | None]]:
        """As they are now. Who comes while somebody looks shares the next look with all who came meanwhile: a flood of
        requests, each of which changes the queue, would otherwise look at all of it each."""
        looks = self._looks
        with self._lock:
            if self._looks == looks:
                self._looks += 1
                order, version = self._engine.order(), self._estimator.version
                if order is not self._known.order or version != self._known.version:
                    self._known = self._look(order, version)
            return self._known.places

    def _look(self, order: list[str], version: int) -> Places:
        total: float | None = 0.0
        loaded = self._estimator.loaded
        places = {}
        for position, task_id in enumerate(order):
            live = self._live.get(task_id)
            if live is None:
                total = None
            elif total is not None:
                live.effort = live.effort or self._estimator.effort(live.task)
                seconds = self._estimator.seconds(live.effort, loaded)
                total = None if seconds is None else total + seconds
                loaded = live.effort.needs
            places[task_id] = position, total
        return Places(order, version, places)


def _outlook(place: tuple[int, float | None], free: float | None) -> Outlook:
    position, seconds = place
    return Outlook(position, None if free is None or seconds is None else _rounded(free + seconds))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
