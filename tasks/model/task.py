"""Tasks, and the legal transitions of their status."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .json_values import well_formed
from .stage import QUEUED, Stage


class TaskStatus(str, Enum):
    """Status of a task. The first terminal status wins."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"

    @property
    def is_terminal(self) -> bool:
        return not TRANSITIONS[self]


TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.STOPPED}),
    TaskStatus.RUNNING: frozenset({TaskStatus.FINISHED, TaskStatus.FAILED, TaskStatus.STOPPED, TaskStatus.INTERRUPTED}),
    TaskStatus.FINISHED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.STOPPED: frozenset(),
    TaskStatus.INTERRUPTED: frozenset(),
}
AT_RECOVERY: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.INTERRUPTED}),
    TaskStatus.RUNNING: frozenset({TaskStatus.PENDING, TaskStatus.FAILED, TaskStatus.INTERRUPTED}),
}
"""Legal transitions of tasks that an earlier process left unfinished."""

ACTIVE_STATUSES = tuple(status.value for status in TaskStatus if not status.is_terminal)
TERMINAL_STATUSES = tuple(status.value for status in TaskStatus if status.is_terminal)


class IllegalTransition(Exception):
    """A transition of the status that is not allowed."""


@dataclass(frozen=True)
class TaskError:
    """Reason of a task's failure: type and message of the host's exception."""

    type: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> TaskError:
        """Return an exception as a task's error, even if its message can't be read."""
        try:
            message = well_formed(str(error))
        except Exception:
            message = ""
        return cls(type(error).__name__, message or "no message")


@dataclass(frozen=True)
class Image:
    """An image that a task has generated.

    `path` is relative to the outputs folder, with forward slashes; `width` and `height` are pixels; `metadata` is the
    host's logged metadata; `kept` is false if the host deletes the file soon (`--disable-image-log`).
    """

    path: str
    metadata: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    kept: bool = True


BATCH = "batch"
"""Key in a task's notes: the batch and the row that it belongs to, as `{"id", "batch_id", "row", "custom_id"}`."""
MOVED_TO_END = "moved_to_end"
"""Key in a task's notes: the time of its move to the end of the queue. Without effect once it was moved to the front."""
BLACKED_OUT = "blacked_out"
"""Key in a task's notes: the paths of images that the host's NSFW checker replaced by black ones."""


def new_task_id() -> str:
    """Return a random id of 32 hexadecimal digits."""
    return uuid.uuid4().hex


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Task:
    """A generation, from its request on.

    Times are milliseconds since 1970, -1 while unknown. `rank` orders the pending tasks; it is the row's id unless the task
    was moved. `downloads` are the files it needs first, as `{"url", "path"}`. `idempotency_key` and `fingerprint` identify
    the request that created it. `notes` are JSON values about the task that belong neither to its request nor to its result,
    such as `ignored_fields`. In a cluster, `node` names the process that has taken it, and `worker` is the number of that
    process's run. The `stage` is that of a task in memory; it is not stored.
    """

    task_id: str
    source: str
    parameters: dict[str, Any]
    status: TaskStatus = TaskStatus.PENDING
    id: int = -1
    rank: int = -1
    queued_at: int = field(default_factory=now_ms)
    started_at: int = -1
    finished_at: int = -1
    progress: int = 0
    title: str = ""
    webhook_url: str = ""
    downloads: list[dict[str, str]] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    error: TaskError | None = None
    attempts: int = 0
    idempotency_key: str | None = None
    fingerprint: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    node: str | None = None
    worker: int | None = None
    stage: Stage = QUEUED

    @property
    def was_moved(self) -> bool:
        """Return whether the task was moved to the front of the queue."""
        return self.id != -1 and self.rank <= 0

    @property
    def was_moved_to_end(self) -> bool:
        """Return whether the task waits for all that arrived before its move."""
        return not self.was_moved and bool(self.notes.get(MOVED_TO_END))

    @property
    def tags(self) -> list[str]:
        """Return the tags of the request, or those that have replaced them."""
        found = self.parameters.get("tags")
        return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []

    def retag(self, tags: Sequence[str]) -> None:
        """Replace the tags. Copies of the task keep theirs."""
        self.parameters = {**self.parameters, "tags": list(tags)}

    def note_move_to_end(self) -> None:
        """Note that the task was moved to the end of the queue now."""
        self.notes = {**self.notes, MOVED_TO_END: now_ms()}

    def transition(self, status: TaskStatus, *, at: int | None = None, at_recovery: bool = False) -> None:
        """Change the status and the times that depend on it. All changes of the status must use this method.

        Args:
            at: the time of the change in milliseconds since 1970; None for now.
            at_recovery: allow the transitions in `AT_RECOVERY` instead of those in `TRANSITIONS`.

        Raises:
            IllegalTransition: the transition from the current status is not allowed.
        """
        allowed = AT_RECOVERY.get(self.status, frozenset()) if at_recovery else TRANSITIONS[self.status]
        if status not in allowed:
            raise IllegalTransition(f"task {self.task_id} can't go from {self.status.value} to {status.value}")
        self.status = status
        if status is TaskStatus.RUNNING:
            self.started_at = now_ms() if at is None else at
            self.attempts += 1
        elif status is TaskStatus.PENDING:
            self.started_at, self.progress, self.title, self.stage = -1, 0, "", QUEUED
        else:
            self.finished_at = now_ms() if at is None else at
            if status is TaskStatus.FINISHED:
                self.progress = 100
