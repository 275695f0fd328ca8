"""Recovers the tasks that an earlier process left unfinished."""

from __future__ import annotations

import logging
from functools import partial

from ...db.writer import DatabaseUnavailable
from ...images.codecs.file_headers import is_whole
from ...images.storage.file_journal import FileJournal
from ...images.storage.publisher import Publisher
from ..history.leftovers import Leftovers
from ..model.gaps import Gaps, complain
from ..model.image_record import image_record
from ..model.task import Image, Task, TaskError, TaskStatus
from ..ports.engine import EngineFiles
from ..storage.store import TaskStore

log = logging.getLogger("fooocus_api.tasks")

MAX_ATTEMPTS = 2


class Recovery:
    """Requeues or ends each unfinished task, then deletes orphaned images."""

    def __init__(
        self,
        files: EngineFiles,
        store: TaskStore,
        journal: FileJournal,
        leftovers: Leftovers,
        publisher: Publisher | None = None,
    ) -> None:
        self._files = files
        self._publisher = publisher
        self._store = store
        self._journal = journal
        self._leftovers = leftovers

    def run(self) -> list[Task]:
        """Requeue or end every unfinished task, and return the requeued ones in their order. All changes are committed.

        A task of the API is requeued, one that was running first; it fails if the process has died twice while running it.
        A task of the WebUI is interrupted, as its browser session is gone.
        """
        tasks = self._store.unfinished()
        waiting = {task.task_id for task in tasks if task.status is TaskStatus.PENDING and task.source != "webui"}
        again = [task for task in tasks if self._decide(task)]
        again.sort(key=lambda task: task.started_at == -1)  # stable sort: started tasks go first
        for task in again:
            if task.status is TaskStatus.RUNNING:
                task.transition(TaskStatus.PENDING, at_recovery=True)
                task.rank = self._store.rank_before_all()
        self._store.write_recovered([task for task in tasks if task.task_id not in waiting])  # those have not changed
        self.sweep()
        if tasks:
            log.warning("unfinished tasks recovered", extra={"tasks": len(tasks), "requeued": len(again)})
        return again

    def sweep(self) -> None:
        """Delete journaled images without a record. One that can't be deleted stays in the journal, and the start continues."""
        try:
            claimed = self._journal.task_ids()
        except OSError:
            complain("the journal of an earlier process")
            return
        for task_id in claimed:
            try:
                self._leftovers.sweep(task_id)
            except DatabaseUnavailable:
                raise
            except Exception:
                complain("deletion of an earlier process's images", task_id=task_id)
        try:
            self._leftovers.settle(claimed)
        except Exception:
            complain("deletion of an earlier process's images")

    def _decide(self, task: Task) -> bool:
        """Return whether the task is requeued. Otherwise end it."""
        was_running = task.status is TaskStatus.RUNNING
        if task.source == "webui":
            task.transition(TaskStatus.INTERRUPTED, at_recovery=True)
            task.error = TaskError("Interrupted", "Fooocus was shut down before the task ended")
        elif was_running and task.attempts >= MAX_ATTEMPTS:
            task.transition(TaskStatus.FAILED, at_recovery=True)
            task.error = TaskError("Crashed", f"Fooocus ended {task.attempts} times while it generated this task")
        else:
            return True
        gaps = Gaps(task.task_id)
        task.images = self._left_by(task, gaps)
        task.notes = gaps.added_to(task.notes)
        return False

    def left_by(self, task: Task) -> list[Image]:
        """Return the images of a task that were complete before the process died."""
        return self._left_by(task, Gaps(task.task_id))

    def _left_by(self, task: Task, gaps: Gaps) -> list[Image]:
        """Return the images that were complete before the process died."""
        found: list[Image] = []
        whole: list[str] = []
        none: list[str] = []
        for path in gaps.attempt("the images", lambda: self._journal.entries(task.task_id), none):
            image = gaps.attempt("an image", partial(self._whole_image, path, gaps), None)
            if image is not None:
                found.append(image)
                whole.append(path)
        if self._publisher is not None:
            self._publisher.now(task.task_id, whole)
        return found

    def _whole_image(self, path: str, gaps: Gaps) -> Image | None:
        """Return an image's record, None outside the host's folders or for a truncated file, as the last one may be."""
        relative = self._files.relative_path(path)
        if relative is None or not is_whole(path):
            return None
        return image_record(path, relative, {}, gaps, kept=self._files.is_kept(path))
