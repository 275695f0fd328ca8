"""The typed events of a task's life. Built on the worker thread, so each is one small object and nothing more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from .preview import PreviewImage
from .task import TaskError, now_ms


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the task of this id, `at` so many milliseconds since 1970: it may be heard of much later,
    when the disk keeps the bus waiting."""

    task_id: str
    at: int = field(default_factory=now_ms, kw_only=True, compare=False)
    clock_s: float = field(default_factory=time.monotonic, kw_only=True, compare=False)
    """Seconds of a monotonic clock, for the time between two events."""

    @property
    def is_terminal(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Queued(Event):
    """The task lies in the host's queue. `parameters` and `images` are given for tasks that did not come through us.

    `images` are the uint8 arrays it was given, by their place in the parameters: field, index and key of an item where the
    field is a list.
    """

    source: str = "api"
    parameters: dict[str, Any] = field(default_factory=dict)
    images: dict[tuple[str, int | None, str], Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The worker has taken the task."""


@dataclass(frozen=True, slots=True)
class Moved(Event):
    """The task has another place in the queue."""


@dataclass(frozen=True, slots=True)
class Unloaded(Event):
    """No model is in memory any more. It concerns no task: its `task_id` is empty."""

    task_id: str = ""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """`percent` 0 to 100, and the host's own words for what it is doing; `is_step` when that is a step of the sampler."""

    percent: int
    title: str
    is_step: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Preview(Progress):
    """Progress with a picture of the image as it is so far."""

    image: PreviewImage


@dataclass(frozen=True, slots=True)
class ImageSaved(Event):
    """The host has written an image. `path` is absolute, `metadata` is what it logged with it; `blacked_out` when its checker
    put black in the image's place."""

    path: str
    metadata: dict[str, Any]
    blacked_out: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The worker is done with the task. `results` are absolute paths or uint8 arrays of HxWx3, as the host gave them.
    `missing` names what could not be learnt of them, a sentence each."""

    results: list[Any]
    missing: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def is_terminal(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Finished(Ended):
    """It ended as it should."""


@dataclass(frozen=True, slots=True)
class Failed(Ended):
    """It broke; the results are what was done before."""

    error: TaskError


@dataclass(frozen=True, slots=True)
class Stopped(Ended):
    """Somebody ended it; the results are what was done before."""
