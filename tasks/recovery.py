"""What becomes of the tasks that an earlier process left unfinished. Called by the service when it starts, and when it ends."""

from __future__ import annotations

import logging
from functools import partial

from ..db.repository import Repository
from ..db.writer import DatabaseUnavailable
from . import storage
from .claims import Claims
from .engine import Engine
from .gaps import Gaps, complain
from .headers import is_whole
from .leftovers import Leftovers
from .results import describe
from .task import LIVE_VALUES, TERMINAL_VALUES, Image, Task, TaskError, TaskStatus
from .webhooks import Webhooks

log = logging.getLogger("fooocus_api.tasks")

MOST_ATTEMPTS = 2


class Recovery:
    """Decides about each unfinished task, then sweeps the images that no record lists."""

    def __init__(
        self, engine: Engine, repository: Repository, claims: Claims, webhooks: Webhooks, leftovers: Leftovers
    ) -> None:
        self._engine = engine
        self._repository = repository
        self._claims = claims
        self._webhooks = webhooks
        self._leftovers = leftovers

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
        self._sweep()
        if tasks:
            log.warning("tasks were left unfinished", extra={"tasks": len(tasks), "drawn_now": len(again)})
        return again

    def _sweep(self) -> None:
        """Delete what is claimed and in no record. What can't be deleted keeps its claim, and the API from nothing."""
        try:
            claimed = self._claims.task_ids()
        except OSError:
            complain("the claims of an earlier process not read")
            return
        for task_id in claimed:
            try:
                self._leftovers.sweep(task_id)
            except DatabaseUnavailable:
                raise
            except Exception:
                complain("images of an earlier process not deleted", task_id=task_id)
        try:
            self._leftovers.settle(claimed)
        except Exception:
            complain("images of an earlier process not deleted")

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
        gaps = Gaps(task.task_id)
        task.images = self._left_by(task, gaps)
        task.notes = gaps.added_to(task.notes)
        return False

    def _left_by(self, task: Task, gaps: Gaps) -> list[Image]:
        """The images that were done before the process died."""
        found: list[Image] = []
        none: list[str] = []
        for path in gaps.attempt("the images", lambda: self._claims.of(task.task_id), none):
            image = gaps.attempt("an image", partial(self._whole_image, path, gaps), None)
            if image is not None:
                found.append(image)
        return found

    def _whole_image(self, path: str, gaps: Gaps) -> Image | None:
        """The record of an image; None when it is but half of a file, as the last one may be, or none of the host's folders."""
        relative = self._engine.relative_path(path)
        if relative is None or not is_whole(path):
            return None
        return describe(path, relative, {}, gaps, kept=self._engine.is_kept(path))
