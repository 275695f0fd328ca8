"""Typed events of a task's life. Built on the worker thread, so each is one small object without any work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ...images.preview import PreviewImage
from .stage import QUEUED, Stage
from .task import TaskError, now_ms


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the task with this id. `at` is its time in milliseconds since 1970: a slow disk may delay its handling."""

    task_id: str
    at: int = field(default_factory=now_ms, kw_only=True, compare=False)
    clock_s: float = field(default_factory=time.monotonic, kw_only=True, compare=False)
    """Seconds of a monotonic clock, to measure the time between two events."""

    @property
    def is_terminal(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Queued(Event):
    """The task is in the host's queue. `parameters` and `images` are given for the WebUI's tasks.

    `images` are its input images as uint8 arrays, by their place in the parameters: the field, and the index and key of an
    item if the field is a list.
    """

    source: str = "api"
    parameters: dict[str, Any] = field(default_factory=dict)
    images: dict[tuple[str, int | None, str], Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The worker has taken the task. `seed` is that of its first image, None if the host's task has none."""

    seed: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Encoded(Event):
    """The worker is about to encode the task's first image. `state` is the state of the generator that the encoding draws
    from, None if it could not be read."""

    state: bytes | None


@dataclass(frozen=True, slots=True)
class Moved(Event):
    """The task's position in the queue has changed."""


@dataclass(frozen=True, slots=True)
class TakenOver(Event):
    """Another process has the task by now: its end here does not count."""


@dataclass(frozen=True, slots=True)
class Unloaded(Event):
    """The host has unloaded all models. The `task_id` is empty, as the event concerns no task."""

    task_id: str = ""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Progress of a task: `percent` from 0 to 100, the host's title, and the stage that it names."""

    percent: int
    title: str
    stage: Stage = field(default=QUEUED, kw_only=True)

    @property
    def is_step(self) -> bool:
        """Return whether this is a step of the sampler. The host also shows other pictures, and with `disable_preview` none."""
        return self.stage.step is not None


@dataclass(frozen=True, slots=True)
class Preview(Progress):
    """Progress with a preview of the unfinished image."""

    image: PreviewImage

    def without_image(self) -> Progress:
        """Return the progress alone, of the same moment."""
        return Progress(self.task_id, self.percent, self.title, stage=self.stage, at=self.at, clock_s=self.clock_s)


@dataclass(frozen=True, slots=True)
class ImageSaved(Event):
    """The host has written an image. `path` is absolute, `metadata` is the host's logged metadata; `blacked_out` if its NSFW
    checker replaced the image by a black one."""

    path: str
    metadata: dict[str, Any]
    blacked_out: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The worker has ended the task. `results` are absolute paths or uint8 arrays of HxWx3, as the host returned them.
    `missing` names unknown parts of the results, a sentence each."""

    results: list[Any]
    missing: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def is_terminal(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Finished(Ended):
    """The task succeeded."""


@dataclass(frozen=True, slots=True)
class Failed(Ended):
    """The task failed; `results` are those up to the failure."""

    error: TaskError


@dataclass(frozen=True, slots=True)
class Stopped(Ended):
    """The task was stopped on request; `results` are those up to the stop."""
