"""What the domain needs of the machine that draws. Implemented by `adapters`, known here only by its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from .task import Task

Interruption = Literal["stop", "skip"]


class EngineUnavailable(Exception):
    """The host can't take tasks; the message says why."""


class ParameterError(Exception):
    """The host refuses a value; the message names it, unless `field` does."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Stayed:
    """An image that was to be deleted and could not be, or whose entry in the host's log could not."""

    path: str
    """As it was given, relative to an outputs folder."""
    file: Path
    error: OSError


class Engine(Protocol):
    """One worker, one queue. All methods may be called from any thread and none waits for the worker."""

    def check(self, parameters: dict[str, Any]) -> None:
        """See whether the host's task can be built of these parameters.

        Raises:
            EngineUnavailable: the host can't be given tasks.
            ParameterError: the host refuses the parameters.
        """

    def enqueue(self, task: Task) -> None:
        """Put a task into the host's queue. It is built when its turn comes; can it not be, it fails."""

    def withdraw(self, task_id: str) -> bool:
        """Take a task out of the queue; its `Stopped` event follows. False when it is not there (any more)."""

    def move_to_front(self, task_id: str) -> bool:
        """Let a task be the next. False when it is not in the queue."""

    def order(self) -> list[str]:
        """The tasks in the queue, the next one first."""

    def in_hand(self) -> str | None:
        """The task the worker has taken, which it may not have said yet; None when it has none."""

    def steps(self, performance: str) -> int | None:
        """How many steps an image of a performance takes, None for one that is unknown."""

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        """End the running task, or its current image, at the next step. False when it is not the running one."""

    def save_array(self, task_id: str, array: Any, image_format: str) -> str:
        """Write a result that the host gave as an array, and give its absolute path. Slow; not on the worker thread."""

    def encode(self, array: Any) -> bytes:
        """An array as a PNG file. Slow; not on the worker thread."""

    def keep(self, task_id: str, path: str) -> str:
        """Bring an image that the host left in its temp folder among the outputs, and give its path there. May be slow.

        Raises:
            OSError: it is gone, or there is no room.
        """

    def relative_path(self, path: str) -> str | None:
        """An image's path relative to the folder it was written into, with forward slashes; None outside of all."""

    def is_kept(self, path: str) -> bool:
        """Whether the host keeps the image of this absolute path for good."""

    def remove_images(self, paths: Sequence[str]) -> list[Stayed]:
        """Delete images by their relative paths, and their entries in the host's log, in one try each, and return those that
        could not be. What is no image of the outputs folder is left alone."""
