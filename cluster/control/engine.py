"""The engine of a cluster: one queue for all nodes, of which one may be in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...tasks.model import events
from ...tasks.model.task import Task, TaskStatus
from ...tasks.model.workload.workload import Workload
from ...tasks.ports.engine import Engine, Interruption, Stayed
from ..jobs.pairs import Claims
from .order import ClusterOrder
from .remote import RemoteTasks


class ClusterEngine:
    """Implements `tasks.ports.engine.Engine`: tasks of this node through its own engine, those of others through the database."""

    def __init__(
        self,
        local: Engine,
        order: ClusterOrder,
        claims: Claims,
        remote: RemoteTasks,
        emit: Callable[[events.Event], None],
    ) -> None:
        self._local = local
        self.order = order
        self._claims = claims
        self._remote = remote
        self._emit = emit

    def check(self, parameters: dict[str, Any]) -> None:
        self._local.check(parameters)

    def workload(self, parameters: dict[str, Any]) -> Workload:
        return self._local.workload(parameters)

    def enqueue(self, task: Task, workload: Workload) -> None:
        if task.status is not TaskStatus.PENDING:  # a node was faster
            return
        self.order.add(task, workload)
        self._emit(events.Queued(task.task_id))

    def withdraw(self, task_id: str) -> bool:
        if self._is_here(task_id):
            return self._local.withdraw(task_id)
        return self._remote.withdraw(task_id)

    def in_hand(self) -> str | None:
        return self._local.in_hand()

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        if self._is_here(task_id) and self._local.interrupt(task_id, how):
            return True
        return self._remote.interrupt(task_id, how)  # also of a task that is on its way to the own worker

    def _is_here(self, task_id: str) -> bool:
        """Return whether this node's worker has the task, or a click in its WebUI has made it."""
        return self._claims.get(task_id) is not None or self._remote.is_click_here(task_id)

    # -------------------------------------------------------- files of this node

    def save_array(self, task_id: str, array: Any, image_format: str) -> str:
        return self._local.save_array(task_id, array, image_format)

    def encode(self, array: Any) -> bytes:
        return self._local.encode(array)

    def keep(self, task_id: str, path: str) -> str:
        return self._local.keep(task_id, path)

    def relative_path(self, path: str) -> str | None:
        return self._local.relative_path(path)

    def is_kept(self, path: str) -> bool:
        return self._local.is_kept(path)

    def is_unfinished(self, file: Path) -> bool:
        return self._local.is_unfinished(file)

    def finish_saves(self, within_s: float) -> None:
        self._local.finish_saves(within_s)

    def remove_images(self, paths: Sequence[str]) -> list[Stayed]:
        return self._local.remove_images(paths)
