"""Estimates of tasks that other processes of a cluster run. Their steps come only while this one watches: their rows count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.task import Task, TaskStatus
from ..model.workload.workload import ModelNeeds, Workload
from .estimator import Estimator, MovingAverage


class RunsElsewhere:
    """Observes the tasks of other processes, and completes the estimator of this one. One thread observes; any may read."""

    def __init__(self, estimator: Estimator, clock: Callable[[], float] = time.monotonic) -> None:
        self._estimator = estimator
        self._clock = clock
        self._rate = MovingAverage()
        self._runs: dict[str, tuple[Workload, float]] = {}
        self._lock = threading.Lock()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Note the start of a task, and learn from the times in its row at its end."""
        if active is None:
            return
        if isinstance(event, events.Started):
            with self._lock:
                self._runs[event.task_id] = active.workload, self._clock()
        elif isinstance(event, (events.Ended, events.Queued)):
            with self._lock:
                self._runs.pop(event.task_id, None)
                self._learn(active.task, active.workload)

    def _learn(self, task: Task, workload: Workload) -> None:
        seconds = (task.finished_at - task.started_at) / 1000  # both by the clock of its node
        if task.status is TaskStatus.FINISHED and task.started_at > 0 and seconds > 0:
            self._rate.add(_key(workload), seconds / _amount(workload))

    def seconds(self, workload: Workload, loaded: ModelNeeds | None) -> float | None:
        """Return the seconds from a task's start to its end if `loaded` is in memory, None without measurements."""
        seconds = self._estimator.seconds(workload, loaded)
        if seconds is not None:
            return seconds
        with self._lock:
            rate = self._rate.get(_key(workload))
        return None if rate is None else rate * _amount(workload)

    def remaining(self, task: Task) -> float | None:
        """Return the seconds until a running task ends, of this process or another; None without measurements."""
        seconds = self._estimator.remaining(task)
        if seconds is not None:
            return seconds
        with self._lock:
            run = self._runs.get(task.task_id)
        if run is None:
            return None
        workload, started = run
        elapsed = self._clock() - started
        whole = self.seconds(workload, workload.needs)
        if whole is not None and whole > elapsed:
            return whole - elapsed
        if 0 < task.progress < 100:
            return elapsed * (100 - task.progress) / task.progress
        return None if whole is None else 0.0


def _key(workload: Workload) -> tuple[str, str]:
    return workload.checkpoint, workload.kind


def _amount(workload: Workload) -> float:
    return workload.size * workload.images
