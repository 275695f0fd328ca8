"""How long a task takes on this machine with this model, learnt from those that were drawn. Called by the tracker."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .schedule import Needs
from .task import Task

WEIGHT = 0.3
"""Of the newest measurement in what is remembered."""
MEGAPIXEL = 1_000_000
USUAL_STEPS = 30


@dataclass
class Average:
    """What was measured, the newest counting most, by key; a key that was never met is taken for the others' mean."""

    values: dict[Any, float] = field(default_factory=dict)

    def learn(self, key: Any, value: float) -> None:
        known = self.values.get(key)
        self.values[key] = value if known is None else known + WEIGHT * (value - known)

    def of(self, key: Any) -> float | None:
        if key in self.values:
            return self.values[key]
        return sum(self.values.values()) / len(self.values) if self.values else None


@dataclass(frozen=True)
class Effort:
    """What of a task its time depends on; `size` is the steps of one image times its megapixels."""

    needs: Needs
    checkpoint: str
    kind: tuple[str, str]
    images: int
    size: float


@dataclass
class Run:
    """The task the worker has in hand. Times are seconds of a clock that only goes forward; `cold` when its models had to
    be loaded first."""

    task_id: str
    effort: Effort
    cold: bool
    started: float
    first_step: float | None = None
    first_progress: float = 0
    last_step: float | None = None
    steps: int = 0


class Estimator:
    """Measures the task that runs, and tells how long others will take. One thread measures, any may ask."""

    def __init__(self, steps_of: Callable[[str], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        """`steps_of` gives the steps of a performance by its name, None for a name it does not know."""
        self._steps_of = steps_of
        self._clock = clock
        self._load = Average()
        self._prepare = Average()
        self._step = Average()
        self._finish = Average()
        self._loaded: Needs | None = None
        self._preloaded = True  # a host loads its default checkpoint before it takes a task, which most begin with
        self._run: Run | None = None
        self.version = 0
        """Another whenever an answer for a waiting task may be another."""
        self._lock = threading.Lock()

    def effort(self, task: Task) -> Effort:
        """What its time depends on. The same as long as its parameters are."""
        checkpoint = str(task.parameters.get("base_model_name") or "")
        size = self._steps(task) * _megapixels(task)
        return Effort(Needs.of(task.parameters), checkpoint, (checkpoint, _work(task)), _images(task), size)

    def started(self, task: Task) -> None:
        """The worker has taken it."""
        effort = self.effort(task)
        with self._lock:
            cold = effort.needs.match(self._loaded) == 0 and not self._preloaded
            self._run = Run(task.task_id, effort, cold, self._clock())
            self._loaded, self._preloaded = effort.needs, False
            self.version += 1

    def unloaded(self) -> None:
        """No model is in memory any more."""
        with self._lock:
            self._loaded, self._preloaded = None, False
            self.version += 1

    def step(self, task_id: str, progress: float) -> None:
        """It has made a step, and is so many percent done."""
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
        """It is done, with so many images; a task that was cut short teaches nothing."""
        with self._lock:
            run, self._run = self._run, None
            if run is None or run.task_id != task_id or run.first_step is None or run.last_step is None:
                return
            wanted = run.effort.images
            if images < wanted or run.steps < 2:  # more are what the host makes of them: a grid, the stages of enhance
                return
            self._step.learn(run.effort.kind, (run.last_step - run.first_step) / (run.effort.size * wanted))
            self._finish.learn(run.effort.kind, (self._clock() - run.last_step) / wanted)
            self.version += 1

    def seconds(self, effort: Effort, loaded: Needs | None) -> float | None:
        """How long a task takes from its start when this is loaded, None while nothing is known."""
        with self._lock:
            return self._seconds(effort, effort.needs.match(loaded) == 0)

    def remaining(self, task: Task) -> float | None:
        """How long the running task still takes, None while nothing is known."""
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
    def loaded(self) -> Needs | None:
        """What the last task that was started needs."""
        return self._loaded

    def step_seconds(self) -> dict[str, float]:
        """Seconds a step takes at a megapixel, by checkpoint and kind of task."""
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
    """What is done: tasks of one checkpoint and the same work take as long for a step of a megapixel."""
    parameters = task.parameters
    for name in ("enhance_input_image", "uov_input_image", "inpaint_input_image"):
        if parameters.get(name):
            return str(parameters.get("uov_method")) if name.startswith("uov") else name
    return "text" if not parameters.get("controlnet_image") else "images"


def _images(task: Task) -> int:
    return max(1, int(task.parameters.get("image_number") or 1))


def _megapixels(task: Task) -> float:
    """Of an image as it is asked for; what works at a size of its own has a kind of its own."""
    parameters = task.parameters
    width, height = (int(parameters.get(name) or 0) for name in ("overwrite_width", "overwrite_height"))
    sides = [int(side) for side in re.findall(r"\d+", str(parameters.get("aspect_ratios_selection") or ""))[:2]]
    if len(sides) < 2:
        sides = [1024, 1024]
    return max((width if width > 0 else sides[0]) * (height if height > 0 else sides[1]), 1) / MEGAPIXEL
