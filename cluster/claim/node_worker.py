"""The worker of this node as the claimer sees it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from ...images.storage.input_store import InputStore
from ...tasks.model.events import Event
from ...tasks.model.task import Task
from ...tasks.model.workload.workload import ModelNeeds, Workload
from ...tasks.ports.engine import Engine
from ..control.answering import OwnTools
from ..following.remote_events import Claimed

log = logging.getLogger("fooocus_api.cluster")

HAND_OVER_S = 10.0
"""Seconds that the bus may take to bring a claimed task to the worker."""
REFRESH_S = 30.0
"""Seconds between two looks into the model folders, which may be on a slow drive."""
FILES_S = 5.0
"""Seconds for which the names of the model files are remembered."""


Obstacle = Literal["starting", "full"]
"""The reason why a node claims no task: it has not loaded its first models, or its disk has no room for images."""


class LocalEngine(Engine, Protocol):
    """The engine of a Fooocus in this process."""

    def hand_over(self, task: Task, workload: Workload) -> None:
        """Put a claimed task into the host's queue, as `enqueue` does, without a `Queued` event."""

    def is_free(self) -> bool:
        """Return whether a task of the API would start at once."""

    def loaded(self) -> ModelNeeds | None:
        """Return the models that the last task has loaded, None for none."""


@dataclass(frozen=True)
class LocalHost:
    """The host in this process: its engine, the `obstacle` that keeps it from claiming, `files` with the names of its model
    files, `refresh`, which has it look for new ones, the store of `inputs`, through which the images of tools go, and `own`
    with its tools, None for a gateway."""

    engine: LocalEngine
    obstacle: Callable[[], Obstacle | None]
    files: Callable[[], Collection[str]]
    refresh: Callable[[], None]
    inputs: InputStore
    own: OwnTools | None = None


class NodeWorker:
    """Implements `FreeWorker` on the engine of this process."""

    def __init__(self, host: LocalHost, emit: Callable[[Event], None]) -> None:
        self._engine = host.engine
        self._host = host
        self._emit = emit
        self._taken = threading.Event()
        self._taken.set()
        self._files: tuple[float, frozenset[str]] = (-FILES_S, frozenset())
        self._refreshed_at = -REFRESH_S

    def is_free(self) -> bool:
        return self._taken.is_set() and self._engine.is_free() and self._host.obstacle() is None

    def loaded(self) -> ModelNeeds | None:
        return self._engine.loaded()

    def files(self) -> frozenset[str]:
        at, names = self._files
        if time.monotonic() - at >= FILES_S:
            names = frozenset(self._host.files())
            self._files = time.monotonic(), names
        return names

    def look_again(self) -> None:
        if time.monotonic() - self._refreshed_at >= REFRESH_S:
            self._host.refresh()
            self._files = -FILES_S, frozenset()
            self._refreshed_at = time.monotonic()

    def start(self, task: Task) -> None:
        """Send the task to the worker through the bus, so that it comes after the events that are on their way. Until it has
        arrived or was given up, `is_free` is false."""
        self._taken.clear()
        self._emit(Claimed(task.task_id, task))
        if not self._taken.wait(HAND_OVER_S):
            log.error("claimed task not started yet", extra={"task_id": task.task_id})

    def take(self, task: Task, workload: Workload) -> None:
        """Put a claimed task into the host's queue. On the bus's thread."""
        try:
            self._engine.hand_over(task, workload)
        finally:
            self._taken.set()

    def give_up(self) -> None:
        """Wait no longer for a claimed task that could not be brought to the worker. On the bus's thread."""
        self._taken.set()
