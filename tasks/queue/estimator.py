"""Estimates a task's duration from the tasks that this machine has finished with the same model and kind of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.task import Task, TaskStatus
from ..model.workload.workload import ModelNeeds, Workload

NEWEST_SHARE = 0.3
"""Share of the newest measurement in the moving average, 0 to 1."""


@dataclass
class MovingAverage:
    """Exponential moving averages by key. An unknown key gets the mean of all others."""

    values: dict[Any, float] = field(default_factory=dict)

    def add(self, key: Any, value: float) -> None:
        known = self.values.get(key)
        self.values[key] = value if known is None else known + NEWEST_SHARE * (value - known)

    def get(self, key: Any) -> float | None:
        if key in self.values:
            return self.values[key]
        return sum(self.values.values()) / len(self.values) if self.values else None


@dataclass
class Run:
    """Measurements of the running task. Times are seconds of a monotonic clock; `cold` if its models had to be loaded
    first."""

    task_id: str
    workload: Workload
    cold: bool
    started: float
    first_step: float | None = None
    first_progress: float = 0
    last_step: float | None = None
    steps: int = 0


class Estimator:
    """Measures the running task and estimates the duration of others. One thread measures; any thread may read."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Measure with `clock`, which returns seconds."""
        self._clock = clock
        self._load = MovingAverage()
        self._prepare = MovingAverage()
        self._step = MovingAverage()
        self._finish = MovingAverage()
        self._loaded: ModelNeeds | None = None
        self._preloaded = True  # the host loads its default checkpoint at startup, and most first tasks use that one
        self._run: Run | None = None
        self.version = 0
        """Changes whenever the estimate of a pending task may have changed."""
        self._lock = threading.Lock()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Measure the running task by its events."""
        if isinstance(event, events.Unloaded):
            self.on_unloaded()
        elif active is None:
            return
        elif isinstance(event, events.Progress):
            if event.is_step:
                self.on_step(event.task_id, active.task.progress)
        elif isinstance(event, events.Started):
            self.on_started(event.task_id, active.workload)
        elif isinstance(event, events.Ended):
            self.on_ended(event.task_id, len(active.task.images) if active.task.status is TaskStatus.FINISHED else 0)

    def on_started(self, task_id: str, workload: Workload) -> None:
        """Begin to measure a task that the worker has started."""
        with self._lock:
            cold = workload.needs.match(self._loaded) == 0 and not self._preloaded
            self._run = Run(task_id, workload, cold, self._clock())
            self._loaded, self._preloaded = workload.needs, False
            self.version += 1

    def on_unloaded(self) -> None:
        """Record that the host has unloaded all models."""
        with self._lock:
            self._loaded, self._preloaded = None, False
            self.version += 1

    def on_step(self, task_id: str, progress: float) -> None:
        """Record a step of the running task. `progress` is a percentage."""
        with self._lock:
            run = self._run
            if run is None or run.task_id != task_id:
                return
            run.last_step = self._clock()
            run.steps += 1
            if run.first_step is None:
                run.first_step, run.first_progress = run.last_step, progress
                average = self._load if run.cold else self._prepare
                average.add(run.workload.checkpoint, run.first_step - run.started)
                self.version += 1

    def on_ended(self, task_id: str, images: int) -> None:
        """Learn from a task that has ended with this number of images. One that was cut short is ignored."""
        with self._lock:
            run, self._run = self._run, None
            if run is None or run.task_id != task_id or run.first_step is None or run.last_step is None:
                return
            wanted = run.workload.images
            if images < wanted or run.steps < 2:  # there may be more: the host adds a grid or the stages of enhance
                return
            self._step.add(_key(run.workload), (run.last_step - run.first_step) / (run.workload.size * wanted))
            self._finish.add(_key(run.workload), (self._clock() - run.last_step) / wanted)
            self.version += 1

    def seconds(self, workload: Workload, loaded: ModelNeeds | None) -> float | None:
        """Return the seconds from a task's start to its end if `loaded` is in memory, None without measurements."""
        with self._lock:
            return self._seconds(workload, workload.needs.match(loaded) == 0)

    def remaining(self, task: Task) -> float | None:
        """Return the seconds until the running task ends, None without measurements."""
        with self._lock:
            run = self._run
            if run is None or run.task_id != task.task_id:
                return None
            elapsed = self._clock() - run.started
            whole = self._seconds(run.workload, run.cold)
            if whole is not None and whole > elapsed:
                return whole - elapsed
            if run.first_step is None or not run.first_progress < task.progress < 100:
                return 0.0 if whole is not None else None
            elapsed_s = self._clock() - run.first_step
            return elapsed_s * (100 - task.progress) / (task.progress - run.first_progress)

    @property
    def loaded(self) -> ModelNeeds | None:
        """The models that the last started task needs."""
        return self._loaded

    def step_seconds(self) -> dict[str, float]:
        """Return the seconds of a step per megapixel, by checkpoint and kind of work."""
        with self._lock:
            return {"/".join(kind): value for kind, value in self._step.values.items()}

    def _seconds(self, workload: Workload, cold: bool) -> float | None:
        step, finish = self._step.get(_key(workload)), self._finish.get(_key(workload))
        first, second = (self._load, self._prepare) if cold else (self._prepare, self._load)
        begin = first.get(workload.checkpoint)
        begin = second.get(workload.checkpoint) if begin is None else begin
        if step is None or finish is None or begin is None:
            return None
        return begin + workload.images * (step * workload.size + finish)


def _key(workload: Workload) -> tuple[str, str]:
    return workload.checkpoint, workload.kind
