"""The engine of a cluster: one queue for all nodes, of which one may be in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tasks.model import events
from ...tasks.model.task import Task, TaskStatus
from ...tasks.model.workload.workload import Workload
from ...tasks.ports.engine import Engine, Interruption
from ..jobs.task_jobs import Claims
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
        self.files = local.files
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
