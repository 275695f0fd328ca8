"""Deletes ended tasks with their images, on request or by the retention policy, and unused inputs."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ...db.repository import Repository
from ...db.statements.batches.batches import delete_ended, inputs_in_use
from ...db.statements.filters import Filter
from ...db.statements.sources.usage import forget_uploads
from ...db.writer import DatabaseUnavailable
from ...images.storage.file_journal import FileJournal
from ...images.storage.input_store import InputStore
from ..duty import Duty
from ..model.gaps import complain
from ..model.rows import from_row
from ..model.task import ACTIVE_STATUSES, Task, now_ms
from .leftovers import NO_TASK, Leftovers

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
TASKS_PER_TRANSACTION = 50
"""Tasks deleted per transaction: other changes get their turn between two of them."""
BATCHES_PER_TRANSACTION = 5
MINUTE_S = 60
HOUR_S = 3600
DAY_MS = 24 * HOUR_S * 1000
UNUSED_INPUT_S = 24 * HOUR_S
"""Seconds after which an input that no request uses is deleted."""
EXPIRY_S = HOUR_S
"""Seconds for which an image that Fooocus does not keep stays available."""


@dataclass(frozen=True)
class RetentionPolicy:
    """Limits of the history, by age in days and by number of tasks; None for no limit."""

    days: float | None = None
    count: int | None = None


@dataclass(frozen=True)
class Removed:
    """Result of a deletion: the number of deleted tasks."""

    tasks: int = 0
    files_left: int = 0
    """Number of images that another program has open; they are deleted later."""


class Retention:
    """Deletes tasks and images. It never touches an active task, nor a file outside the inputs and outputs."""

    def __init__(
        self,
        repository: Repository,
        inputs: InputStore,
        journal: FileJournal,
        leftovers: Leftovers,
        on_removed: Callable[[Sequence[Task]], None] = lambda tasks: None,
    ) -> None:
        """Store the dependencies.

        Args:
            on_removed: is called with tasks that have been deleted.
        """
        self._on_removed = on_removed
        self._repository = repository
        self._journal = journal
        self._leftovers = leftovers
        self._inputs = inputs
        self._stopping = threading.Event()
        self._pending_expiry: deque[tuple[float, list[str]]] = deque()

    def remove(self, tasks: Sequence[Task]) -> Removed:
        """Delete these ended tasks with their images. May wait for the database, and briefly for images in use.

        Raises:
            DatabaseUnavailable: nothing was deleted.
        """
        gone = self._remove(tasks)
        return Removed(gone, self._left_of([task.task_id for task in tasks]))

    def _remove(self, tasks: Sequence[Task]) -> int:
        def forget() -> tuple[list[Task], set[str]]:
            gone = [task for task in tasks if self._repository.delete(task.task_id)]
            return gone, self._repository.recorded([image.path for task in tasks for image in task.images])

        # Delete the records first: a crash in between leaves orphaned files, not records without files. The journal entries
        # come before, so that the next start deletes the orphans.
        for task in tasks:
            for image in task.images:
                self._journal.record(task.task_id, image.path)
        try:
            gone, recorded = self._repository.write(forget).result()
        except DatabaseUnavailable:
            for task in tasks:
                self._journal.clear(task.task_id)
            raise
        self._safely(
            self._leftovers.remove,
            {task.task_id: [image.path for image in task.images if image.path not in recorded] for task in tasks},
        )
        if gone:
            self._safely(self._on_removed, gone)
        return len(gone)

    def _left_of(self, task_ids: Sequence[str]) -> int:
        """Retry the images of these tasks for a short time, and return the number of those that are left."""
        left = self._safely(self._leftovers.settle, task_ids) or 0
        self._safely(self._leftovers.retry)
        return left

    def _safely(self, action: Callable[..., T], *arguments: Any) -> T | None:
        """Run a step after the commit of a deletion; log a failure. Remaining files are in the journal."""
        try:
            return action(*arguments)
        except Exception:
            complain("image deletion")
            return None

    def remove_matching(self, criteria: Filter) -> Removed:
        """Delete all ended tasks that match the filter."""
        return self._remove_all(replace(criteria, exclude_statuses=ACTIVE_STATUSES))

    def is_left(self, file: Path) -> bool:
        """Return whether the file is no image for clients: its image is deleted, or is not complete yet."""
        return self._leftovers.is_left(file)

    def expire_later(self, paths: list[str]) -> None:
        """Schedule the deletion of images that the host does not keep: the first call after `EXPIRY_S`, at the end
        of a task, deletes them. Each call also retries leftovers of earlier deletions."""
        now = time.monotonic()
        while self._pending_expiry and self._pending_expiry[0][0] < now - EXPIRY_S:
            self._safely(self._leftovers.remove, {NO_TASK: self._pending_expiry.popleft()[1]})
        if paths:
            self._pending_expiry.append((now, paths))
        self._safely(self._leftovers.retry)

    def enforce(self, limits: RetentionPolicy, duty: Duty) -> None:
        """Start a background thread that prunes the history now and every hour, if it has limits, while it has the duty.

        A process that takes the duty prunes within a minute.
        """
        if limits != RetentionPolicy():
            arguments = (limits, duty)
            threading.Thread(target=self._prune, args=arguments, name="fooocus-api-retention", daemon=True).start()

    def close(self) -> None:
        """Stop after the current transaction."""
        self._stopping.set()

    def _prune(self, limits: RetentionPolicy, duty: Duty) -> None:
        while not self._stopping.is_set():
            try:
                gone = self.prune(limits) if duty.is_mine() else 0
                if gone:
                    log.info("old tasks deleted", extra={"tasks": gone})
            except Exception:
                log.exception("old tasks not deleted; retrying in an hour")
            self._stopping.wait(HOUR_S if duty.is_mine() else MINUTE_S)

    def prune(self, limits: RetentionPolicy) -> int:
        """Delete tasks beyond the limits, and unused inputs. Return the number of deleted tasks."""
        gone = 0
        ended = Filter(exclude_statuses=ACTIVE_STATUSES)
        if limits.days is not None:
            gone += self._remove_all(
                Filter(exclude_statuses=ACTIVE_STATUSES, end=now_ms() - int(limits.days * DAY_MS))
            ).tasks
            before = now_ms() - int(limits.days * DAY_MS)
            while self._repository.write(partial(delete_ended, before, BATCHES_PER_TRANSACTION)).result():
                pass
        if limits.count is not None:
            total, _ = self._repository.read(lambda: self._repository.count(ended))
            gone += self._remove_all(ended, limit=max(total - limits.count, 0)).tasks
        self.sweep_inputs()
        return gone

    def sweep_inputs(self) -> int:
        """Delete inputs that no record uses and that were not uploaded recently, and return their number."""
        gone = 0
        before = time.time() - UNUSED_INPUT_S
        for names in self._inputs.older_than(before, TASKS_PER_TRANSACTION):
            if self._stopping.is_set():
                break
            if self._inputs.is_shared:
                gone += self._remove_shared(names, before)
                continue
            # On the writer's thread, so that no task that uses one can be accepted in between.
            gone += self._repository.write(partial(self._remove_unused, names, before)).result()
        return gone

    def _remove_unused(self, names: list[str], before: float) -> int:
        unused = self._unused(names)
        gone = self._inputs.remove(unused, before)
        forget_uploads([name for name in unused if not self._inputs.has(name)])
        return gone

    def _remove_shared(self, names: list[str], before: float) -> int:
        """Delete inputs of all processes. The writer's thread does not wait for their place, and could not keep other processes
        from accepting a task: that stores an input again, which `remove` notices."""
        unused = self._repository.read(partial(self._unused, names))
        gone = self._inputs.remove(unused, before)
        forgotten = [name for name in unused if not self._inputs.has(name)]
        self._repository.write(partial(forget_uploads, forgotten)).result()
        return gone

    def _unused(self, names: list[str]) -> list[str]:
        used = self._repository.inputs_in_use(names) | inputs_in_use(names)
        return [name for name in names if name not in used]

    def _remove_all(self, criteria: Filter, limit: int | None = None) -> Removed:
        gone = 0
        removed_ids: list[str] = []
        try:
            while not self._stopping.is_set() and (limit is None or gone < limit):
                step = TASKS_PER_TRANSACTION if limit is None else min(TASKS_PER_TRANSACTION, limit - gone)
                rows = self._repository.read(partial(self._repository.page, criteria, 0, step, newest_first=False))
                if not rows:
                    break
                tasks = [from_row(row) for row in rows]
                removed = self._remove(tasks)
                removed_ids += [task.task_id for task in tasks]
                if removed == 0:
                    break
                gone += removed
        finally:
            left = self._left_of(removed_ids)  # one wait for all of them
        return Removed(gone, left)
