"""What the domain needs of the machine that draws. Implemented by `adapters`, known here only by its shape."""

from __future__ import annotations

from typing import Any, Literal, Protocol

Interruption = Literal["stop", "skip"]


class EngineUnavailable(Exception):
    """The host can't take tasks; the message says why."""


class ParameterError(Exception):
    """The host refuses a value; the message names it."""


class Engine(Protocol):
    """One worker, one queue. All methods may be called from any thread and none waits for the worker."""

    def prepare(self, task_id: str, parameters: dict[str, Any]) -> Any:
        """Build the host's task without queueing it.

        Raises:
            EngineUnavailable: the host can't be given tasks.
            ParameterError: the host refuses the parameters.
        """

    def enqueue(self, prepared: Any) -> None:
        """Put a prepared task at the end of the host's queue."""

    def withdraw(self, task_id: str) -> bool:
        """Take a task out of the queue; its `Stopped` event follows. False when it is not there (any more)."""

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        """End the running task, or its current image, at the next step. False when it is not the running one."""

    def save_array(self, array: Any, image_format: str) -> str:
        """Write a result that the host gave as an array, and give its absolute path. Slow; not on the worker thread."""

    def relative_path(self, path: str) -> str | None:
        """A saved image's path relative to the outputs folder, with forward slashes; None when it was not kept."""
