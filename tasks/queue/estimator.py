"""Estimates a task's duration from the tasks that this machine has finished with the same model and kind of work."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.task import Task, TaskStatus
from ..model.workload import Effort, ModelNeeds

WEIGHT = 0.3
"""Share of the newest measurement in the moving average, 0 to 1."""
MEGAPIXEL = 1_000_000
USUAL_STEPS = 30


@dataclass
class MovingAverage:
    """Exponential moving averages by key. An unknown key gets the mean of all others."""

    values: dict[Any, float] = field(default_factory=dict)

    def learn(self, key: Any, value: float) -> None:
        known = self.values.get(key)
        self.values[key] = value if known is None else known + WEIGHT * (value - known)

    def of(self, key: Any) -> float | None:
        if key in self.values:
            return self.values[key]
        return sum(self.values.values()) / len(self.values) if self.values else None


@dataclass
class Run:
    """Measurements of the running task. Times are seconds of a monotonic clock; `cold` if its models had to be loaded
    first."""

    task_id: str
    effort: Effort
    cold: bool
    started: float
    first_step: float | None = None
    first_progress: float = 0
    last_step: float | None = None
    steps: int = 0


class Estimator:
    """Measures the running task and estimates the duration of others. One thread measures; any thread may read."""

    def __init__(self, steps_of: Callable[[str], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        """Measure with `clock`. `steps_of` returns the steps of a performance by its name, None for an unknown name."""
        self._steps_of = steps_of
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

    def effort(self, task: Task) -> Effort:
        """Return the factors of a task's duration. They depend on its parameters alone."""
        checkpoint = str(task.parameters.get("base_model_name") or "")
        size = self._steps(task) * _megapixels(task)
        return Effort(ModelNeeds.of(task.parameters), checkpoint, (checkpoint, _work(task)), _images(task), size)

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Measure the running task by its events."""
        if isinstance(event, events.Unloaded):
            self.unloaded()
        elif active is None:
            return
        elif isinstance(event, events.Progress):
            if event.is_step:
                self.step(event.task_id, active.task.progress)
        elif isinstance(event, events.Started):
            self.started(active.task)
        elif isinstance(event, events.Ended):
            self.ended(event.task_id, len(active.task.images) if active.task.status is TaskStatus.FINISHED else 0)

    def started(self, task: Task) -> None:
        """Begin to measure a task that the worker has started."""
        effort = self.effort(task)
        with self._lock:
            cold = effort.needs.match(self._loaded) == 0 and not self._preloaded
            self._run = Run(task.task_id, effort, cold, self._clock())
            self._loaded, self._preloaded = effort.needs, False
            self.version += 1

    def unloaded(self) -> None:
        """Record that the host has unloaded all models."""
        with self._lock:
            self._loaded, self._preloaded = None, False
            self.version += 1

    def step(self, task_id: str, progress: float) -> None:
        """Record a step of the running task. `progress` is a percentage."""
        with self._lock:
            run = self._run
            if run is None or run.task_id != task_id:
                return
            run.last_step = self._clock()
            run.steps += 1
            if run.first_step is None:
                run.first_step, run.first_progress = run.last_step, progress
                kept = self._load if run.cold else self._prepare
                kept.learn(run.effort.checkpoint, run.first_step - run.started)
                self.version += 1

    def ended(self, task_id: str, images: int) -> None:
        """Learn from a task that has ended with this number of images. One that was cut short is ignored."""
        with self._lock:
            run, self._run = self._run, None
            if run is None or run.task_id != task_id or run.first_step is None or run.last_step is None:
                return
            wanted = run.effort.images
            if images < wanted or run.steps < 2:  # there may be more: the host adds a grid or the stages of enhance
                return
            self._step.learn(run.effort.kind, (run.last_step - run.first_step) / (run.effort.size * wanted))
            self._finish.learn(run.effort.kind, (self._clock() - run.last_step) / wanted)
            self.version += 1

    def seconds(self, effort: Effort, loaded: ModelNeeds | None) -> float | None:
        """Return the seconds from a task's start to its end if `loaded` is in memory, None without measurements."""
        with self._lock:
            return self._seconds(effort, effort.needs.match(loaded) == 0)

    def remaining(self, task: Task) -> float | None:
        """Return the seconds until the running task ends, None without measurements."""
        with self._lock:
            run = self._run
            if run is None or run.task_id != task.task_id:
                return None
            elapsed = self._clock() - run.started
            whole = self._seconds(run.effort, run.cold)
            if whole is not None and whole > elapsed:
                return whole - elapsed
            if run.first_step is None or not run.first_progress < task.progress < 100:
                return 0.0 if whole is not None else None
            drawing = self._clock() - run.first_step
            return drawing * (100 - task.progress) / (task.progress - run.first_progress)

    @property
    def loaded(self) -> ModelNeeds | None:
        """The models that the last started task needs."""
        return self._loaded

    def step_seconds(self) -> dict[str, float]:
        """Return the seconds of a step per megapixel, by checkpoint and kind of work."""
        with self._lock:
            return {"/".join(kind): value for kind, value in self._step.values.items()}

    def _seconds(self, effort: Effort, cold: bool) -> float | None:
        step, finish = self._step.of(effort.kind), self._finish.of(effort.kind)
        first, second = (self._load, self._prepare) if cold else (self._prepare, self._load)
        begin = first.of(effort.checkpoint)
        begin = second.of(effort.checkpoint) if begin is None else begin
        if step is None or finish is None or begin is None:
            return None
        return begin + effort.images * (step * effort.size + finish)

    def _steps(self, task: Task) -> int:
        overwritten = int(task.parameters.get("overwrite_step") or 0)
        if overwritten > 0:
            return overwritten
        return self._steps_of(str(task.parameters.get("performance_selection") or "")) or USUAL_STEPS


def _work(task: Task) -> str:
    """Return the kind of work: its tasks take the same time per step and megapixel with the same checkpoint."""
    parameters = task.parameters
    for name in ("enhance_input_image", "uov_input_image", "inpaint_input_image"):
        if parameters.get(name):
            return str(parameters.get("uov_method")) if name.startswith("uov") else name
    return "text" if not parameters.get("controlnet_image") else "images"


def _images(task: Task) -> int:
    return max(1, int(task.parameters.get("image_number") or 1))


def _megapixels(task: Task) -> float:
    """Return the megapixels of a requested image. Work at another size has its own kind (`_work`)."""
    parameters = task.parameters
    width, height = (int(parameters.get(name) or 0) for name in ("overwrite_width", "overwrite_height"))
    sides = [int(side) for side in re.findall(r"\d+", str(parameters.get("aspect_ratios_selection") or ""))[:2]]
    if len(sides) < 2:
        sides = [1024, 1024]
    return max((width if width > 0 else sides[0]) * (height if height > 0 else sides[1]), 1) / MEGAPIXEL
