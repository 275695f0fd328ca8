"""What becomes of the tasks that an earlier process left unfinished. Called by the service when it starts, and when it ends."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from ..db.repository import Repository
from . import storage
from .claims import Claims
from .engine import Engine
from .pictures import NotAnImage, verify
from .results import describe
from .task import LIVE_VALUES, TERMINAL_VALUES, Image, Task, TaskError, TaskStatus
from .webhooks import Webhooks

log = logging.getLogger("fooocus_api.tasks")

MOST_ATTEMPTS = 2


class Recovery:
    """Decides about each unfinished task, then sweeps the images that no record lists."""

    def __init__(self, engine: Engine, repository: Repository, claims: Claims, webhooks: Webhooks) -> None:
        self._engine = engine
        self._repository = repository
        self._claims = claims
        self._webhooks = webhooks

    def run(self) -> list[Task]:
        """Close or reset every unfinished task. Those to be drawn (again), in their order; all of it is on the disk.

        A task of the API runs again, the one that was caught running first; on one the process has died twice it fails.
        A browser that asked for a task is gone: it is interrupted.
        """
        rows_left = self._repository.reading(lambda: self._repository.in_order(LIVE_VALUES))
        tasks = [storage.from_row(row) for row in rows_left]
        again = [task for task in tasks if self._decide(task)]
        again.sort(key=lambda task: task.started_at == -1)  # stable: what had begun goes first
        for task in again:
            if task.status is TaskStatus.RUNNING:
                task.transition(TaskStatus.PENDING, at_recovery=True)
                task.rank = self._repository.reading(lambda: self._repository.lowest_rank(LIVE_VALUES)) - 1
        rows = {task.task_id: {**storage.changes(task), "rank": task.rank} for task in tasks}

        def write() -> None:
            for task_id, values in rows.items():
                self._repository.update(task_id, values)
            for task in tasks:
                if task.status.is_terminal:
                    self._webhooks.ended(task)

        self._repository.write(write).result()
        for task_id in self._claims.task_ids():
            sweep(task_id, self._engine, self._repository, self._claims)
        if tasks:
            log.warning("tasks were left unfinished", extra={"tasks": len(tasks), "drawn_now": len(again)})
        return again

    def put_back(self, task: Task) -> None:
        """Fooocus ends as it should: a running task is drawn again at the next start as if it had not begun."""
        task.transition(TaskStatus.PENDING, at_recovery=True)
        task.attempts -= 1
        values = storage.changes(task)
        self._repository.write(lambda: self._repository.update(task.task_id, values, unless=TERMINAL_VALUES), must=True)

    def _decide(self, task: Task) -> bool:
        """Whether it is drawn again."""
        was_running = task.status is TaskStatus.RUNNING
        if task.source == "webui":
            task.transition(TaskStatus.INTERRUPTED, at_recovery=True)
            task.error = TaskError("Interrupted", "Fooocus ended before the task did")
        elif was_running and task.attempts >= MOST_ATTEMPTS:
            task.transition(TaskStatus.FAILED, at_recovery=True)
            task.error = TaskError("Crashed", f"Fooocus ended {task.attempts} times while it drew this task")
        else:
            return True
        task.images = self._left_by(task)
        return False

    def _left_by(self, task: Task) -> list[Image]:
        """The images that were done before the process died."""
        found = []
        for path in self._claims.of(task.task_id):
            relative = self._engine.relative_path(path)
            with contextlib.suppress(OSError, NotAnImage):
                verify(Path(path).read_bytes())  # the last one may be half of a file
                if relative is not None:
                    found.append(describe(path, relative, {}, kept=self._engine.is_kept(path)))
        return found


def sweep(task_id: str, engine: Engine, repository: Repository, claims: Claims) -> None:
    """Delete what was claimed for a task and is in no record: images of an attempt that is made again, and halves of files."""
    paths = [relative for path in claims.of(task_id) if (relative := engine.relative_path(path))]
    known = repository.reading(lambda: repository.recorded(paths))
    engine.remove_images([path for path in paths if path not in known])
    claims.release(task_id)
