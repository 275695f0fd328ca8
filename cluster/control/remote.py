"""The tasks that this process's worker has not: waiting ones, which any process may withdraw, and those that other nodes run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...db.repository import Repository
from ...tasks.model.active_tasks import ActiveTasks
from ...tasks.model.rows import from_row
from ...tasks.model.task import Task, TaskStatus
from ...tasks.ports.engine import Interruption
from ...tasks.storage.store import TaskStore
from ...tasks.storage.written_end import WrittenEnd
from ..jobs.task_jobs import TaskJobs


class RemoteTasks:
    """Withdraws and interrupts tasks through the database."""

    def __init__(
        self,
        repository: Repository,
        jobs: TaskJobs,
        store: TaskStore,
        active: ActiveTasks,
        changed: Callable[[str], None],
        ask_node: Callable[[Task, Interruption], None],
    ) -> None:
        """Store the dependencies.

        Args:
            changed: is called with the id of a task whose row has changed.
            ask_node: asks the node of a running task to interrupt it.
        """
        self._repository = repository
        self._jobs = jobs
        self._store = store
        self._active = active
        self._changed = changed
        self._ask_node = ask_node

    def withdraw(self, task_id: str) -> bool:
        """End a waiting task as stopped. Return False if it does not wait, or a node has claimed it by now.

        Raises:
            DatabaseUnavailable: nothing was changed.
        """

        def change() -> WrittenEnd | None:
            if not self._jobs.withdraw(task_id):
                return None
            row = self._repository.get(task_id)
            if row is None:
                return None
            task = from_row(row)
            task.transition(TaskStatus.STOPPED)
            return self._store.end_foreign(task)

        written = self._repository.write(change)
        if written.result() is None:
            return False
        self._store.wake(written)
        self._changed(task_id)
        return True

    def interrupt(self, task_id: str, how: Interruption) -> bool:
        """Ask the node of a running task to stop it or to skip its image. Return False if no node runs it.

        A wish to stop is stored with the task's job: the node finds it with its next heartbeat, even if the notice is lost.

        Raises:
            DatabaseUnavailable: the wish was not stored.
        """
        live = self._active.get(task_id)
        task = live.task if live is not None else None
        if task is None or task.worker is None:
            row = self._repository.read(partial(self._repository.get, task_id))
            task = None if row is None else from_row(row)
        if task is None or task.status.is_terminal or task.worker is None:
            return False
        if how == "stop" and task.source != "webui":
            found = self._repository.write(partial(self._jobs.request_stop, task_id)).result()
            if not found:
                return False
        self._ask_node(task, how)
        return True

    def is_click_here(self, task_id: str) -> bool:
        """Return whether the task was made by a click in this process's WebUI."""
        live = self._active.get(task_id)
        return live is not None and live.task.source == "webui" and live.task.worker == self._jobs.worker
