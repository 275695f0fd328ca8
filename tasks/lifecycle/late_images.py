"""The images of tasks that another process of a cluster has ended, when the one that generated them starts again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from ...db.repository import Repository
from ...images.storage.file_journal import FileJournal
from ..model.rows import from_row
from ..model.task import Image, Task, TaskStatus


class LateImages:
    """Records images that only this process has: the caretaker has written the record of a click in its WebUI, or of a task that
    ended two nodes, without them."""

    def __init__(self, repository: Repository, journal: FileJournal, left_by: Callable[[Task], list[Image]]) -> None:
        """Store the parts. `left_by` returns the complete images that the journal has of a task."""
        self._repository = repository
        self._journal = journal
        self._left_by = left_by

    def record(self) -> None:
        """Record them, before the journal's other images are deleted. At the start.

        Raises:
            DatabaseUnavailable: the others stay in the journal.
        """
        for task_id in self._journal.task_ids():
            row = self._repository.read(partial(self._repository.get, task_id))
            task = None if row is None else from_row(row)
            if task is None or task.images or task.status not in (TaskStatus.INTERRUPTED, TaskStatus.FAILED):
                continue
            images = [asdict(image) for image in self._left_by(task)]
            if images:
                self._repository.write(partial(self._repository.update, task_id, {"images": images})).result()
