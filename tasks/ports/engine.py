"""Protocol of the image generator. Implemented by `adapters`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from ..model.pick import Pick
from ..model.task import Task
from ..model.workload.workload import Workload

Interruption = Literal["stop", "skip"]


class EngineUnavailable(Exception):
    """The host can't accept tasks; the message says why."""


class ToolsBusy(EngineUnavailable):
    """The refusal of a request for a tool because too many wait; a later one may find room."""


class WorkerNotRunning(EngineUnavailable):
    """The host's worker thread has died and can't be started again."""

    MESSAGE = "Fooocus's worker thread is not running; see Fooocus's console, then restart Fooocus"

    def __init__(self) -> None:
        super().__init__(self.MESSAGE)


class ShuttingDown(EngineUnavailable):
    """The host is shutting down; the task will resume after a restart."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Fooocus is shutting down; task {task_id} will resume after a restart")


class ParameterError(Exception):
    """The host refuses a parameter's value; `field` names the parameter, or else the message does."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Stayed:
    """An image whose file, or whose entry in the host's log, could not be deleted."""

    path: str
    """The path given to `remove_images`, relative to an outputs folder."""
    file: Path
    error: OSError


class QueueOrder(Protocol):
    """The order of the tasks in the queue. Any thread may call the methods; none of them waits."""

    def move_to_front(self, task_id: str) -> bool:
        """Move a task to the front of the queue. Return False if it is not in the queue."""

    def move_to_end(self, task_id: str) -> bool:
        """Move a task behind all that are in the queue now. Return False if it is not in the queue."""

    def move_before(self, task_id: str, before: str) -> list[str] | None:
        """Move a task to the place before another one, and fix the order of those up to there. Return the ids in that order.

        None if one of the two is not in the queue, or `before` is not among those of `task_ids`.
        """

    def pause(self, paused: bool) -> None:
        """Start no more tasks of the API from now on, or start them again. Jobs and tasks of the WebUI are not held back."""

    def is_paused(self) -> bool:
        """Return whether no task of the API is started."""

    def picks(self) -> list[tuple[str, Pick]]:
        """Return the ids of `task_ids`, each with the reason for its place."""

    def task_ids(self) -> list[str]:
        """Return the ids of the next tasks in the queue, in their predicted order. A long queue's later ones are left out."""

    def place(self, task_id: str) -> int | None:
        """Return the number of tasks before one that `task_ids` leaves out, None if it is not in the queue."""

    def stranded(self, source: str | None, most: int) -> list[str]:
        """Return the ids of at most `most` waiting tasks that no node of a cluster can take, as none has all files that they
        need; those of one source only, if one is given. They are not in the queue until a node has the files."""


class EngineFiles(Protocol):
    """The image files of the host. Any thread may call the methods, except where they say otherwise."""

    def save_array(self, task_id: str, array: Any, image_format: str) -> str:
        """Save an array that the host returned as a result, and return its absolute path. Slow; not on the worker thread."""

    def encode(self, array: Any) -> bytes:
        """Encode an array as PNG. Slow; not on the worker thread."""

    def keep(self, task_id: str, path: str) -> str:
        """Bring an image from the host's temp folder into the outputs folder, and return its path there. May be slow.

        Raises:
            OSError: the image is missing, or the disk is full.
        """

    def relative_path(self, path: str) -> str | None:
        """Return an image's path relative to the folder that contains it, with forward slashes; None outside of all folders."""

    def is_kept(self, path: str) -> bool:
        """Return whether the host keeps the image at this absolute path permanently."""

    def is_unfinished(self, file: Path) -> bool:
        """Return whether a file is an image of a running task that is not complete yet."""

    def finish_saves(self, within_s: float) -> None:
        """Save the images of ended tasks, whose ends follow as events. Wait at most `within_s` seconds."""

    def remove_images(self, paths: Sequence[str]) -> list[Stayed]:
        """Delete images by their relative paths, with their entries in the host's log, in one try each. Return those that
        could not be deleted. Paths that are not images of the outputs folder are ignored."""


class Engine(Protocol):
    """One worker with one queue. Any thread may call the methods; none of them waits for the worker, but those of a cluster
    may wait for the database."""

    @property
    def order(self) -> QueueOrder:
        """The order of the tasks in the queue."""

    @property
    def files(self) -> EngineFiles:
        """The image files of the host."""

    def check(self, parameters: dict[str, Any]) -> None:
        """Check that the host's task can be built from these parameters.

        Raises:
            EngineUnavailable: the host can't accept tasks.
            ParameterError: the host refuses a parameter.
        """

    def workload(self, parameters: dict[str, Any]) -> Workload:
        """Return what the domain needs to know of these parameters. Never raises."""

    def enqueue(self, task: Task, workload: Workload) -> None:
        """Put a task into the host's queue. The host's task is built when its turn comes; if that fails, the task fails."""

    def withdraw(self, task_id: str) -> bool:
        """Remove a task from the queue; its `Stopped` event follows. Return False if it is not in the queue (any more).

        Raises:
            DatabaseUnavailable: the task is one that the processes of a cluster share, and nothing was changed.
        """

    def in_hand(self) -> str | None:
        """Return the id of the task that the worker has taken, None without one. Its `Started` event may still follow."""

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        """End the running task, or its current image, at the next step. Return False if the task is not running.

        A task whose last images are being saved is still running; it ends once they are saved.

        Raises:
            DatabaseUnavailable: the task is one that the processes of a cluster share, and nothing was changed.
        """
