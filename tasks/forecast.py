"""Where a waiting task stands and when it will be done. Called by whoever shows tasks; not on an event loop."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Engine
from .estimate import Estimator
from .live import LiveTasks
from .schedule import Needs
from .task import Task, TaskStatus


@dataclass(frozen=True)
class Outlook:
    """`queue_position`: how many are drawn before it. `eta_seconds`: until it is done. None where nobody can tell."""

    queue_position: int | None = None
    eta_seconds: float | None = None


NOTHING = Outlook()


class Forecast:
    """Puts together the queue's order and what the estimator has learnt."""

    def __init__(self, live: LiveTasks, engine: Engine, estimator: Estimator) -> None:
        self._live = live
        self._engine = engine
        self._estimator = estimator

    def of(self, task: Task) -> Outlook:
        """One task's outlook."""
        if task.status is TaskStatus.RUNNING:
            return Outlook(eta_seconds=_rounded(self._estimator.remaining(task)))
        return self.all().get(task.task_id, NOTHING) if task.status is TaskStatus.PENDING else NOTHING

    def all(self) -> dict[str, Outlook]:
        """Of all tasks in the queue."""
        running = self._live.running()
        total: float | None = 0.0 if running is None else self._estimator.remaining(running)
        loaded = self._estimator.loaded
        outlooks = {}
        for position, task_id in enumerate(self._engine.order()):
            live = self._live.get(task_id)
            seconds = self._estimator.seconds(live.task, loaded) if live else None
            total = None if total is None or seconds is None else total + seconds
            loaded = Needs.of(live.task.parameters) if live else loaded
            outlooks[task_id] = Outlook(position, _rounded(total))
        return outlooks


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
