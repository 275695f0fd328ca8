"""Deletes images, and retries those that another program has open.

An image that can't be deleted stays in the journal, so that the next start deletes it at the latest. Until then each deletion,
each task's end and, if the history has limits, each hourly pruning retries it, without a separate timer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep

from ...db.repository import Repository
from ...files.replacing import PAUSES_S, is_held
from ...images.storage.file_journal import FileJournal
from ..ports.engine import EngineFiles, Stayed

log = logging.getLogger("fooocus_api.tasks")

RETRY_PAUSES_S = PAUSES_S[:6]
"""Seconds between retries, 0.7 s in total for all images of a deletion. A virus scanner is done by then, an editor is not."""
GONE = (0, 0, 0, 0)
"""The mark of a missing file."""
NO_TASK = ""
"""Stands for a task's id for images whose record stays."""


@dataclass(frozen=True)
class _Left:
    stayed: Stayed
    mark: tuple[int, ...] | None
    """Identifies the file; None if its status could not be read."""
    since_ns: int

    def is_same(self) -> bool:
        """Return whether the path still has the same file or none, not a new file of a task or of the user."""
        mark = _mark_of(self.stayed.file)
        if self.mark is None:
            return mark is not None and mark[-1] < self.since_ns
        return mark in (self.mark, GONE)


class Leftovers:
    """Deletes images, and remembers those that could not be deleted. Any thread."""

    def __init__(self, files: EngineFiles, repository: Repository, journal: FileJournal) -> None:
        self._files = files
        self._repository = repository
        self._journal = journal
        self._lock = threading.Lock()
        self._left: dict[tuple[str, str], _Left] = {}

    def remove(self, images: Mapping[str, Sequence[str]]) -> None:
        """Delete images by their relative paths, grouped by task, in one try each. Remember failures for later retries."""
        owners = {path: task_id for task_id, paths in images.items() for path in paths}
        stayed = self._files.remove_images(list(owners)) if owners else []
        now = time.time_ns()
        with self._lock:
            for each in stayed:
                self._left[owners[each.path], each.path] = _Left(each, _mark_of(each.file), now)
        self._release(images)

    def sweep(self, task_id: str, done: Collection[str] = frozenset()) -> None:
        """Delete a task's orphans: journaled images without a record that are not in `done`. They are of a repeated attempt,
        truncated, or left by an interrupted deletion.

        Raises:
            DatabaseUnavailable: the records can't be read; nothing was deleted.
        """
        claimed = [path for path in self._journal.entries(task_id) if path not in done]
        relative = [self._files.relative_path(path) if Path(path).is_absolute() else path for path in claimed]
        paths = [path for path in relative if path is not None]
        known = self._repository.read(lambda: self._repository.recorded(paths))
        self.remove({task_id: [path for path in paths if path not in known]})

    def settle(self, task_ids: Iterable[str]) -> int:
        """Retry the leftover images of these tasks for a short time, and return the number of those that are left."""
        ids = set(task_ids)
        for pause in RETRY_PAUSES_S:
            if not any(is_held(left.stayed.error) for left in self._of(ids).values()):
                break
            sleep(pause)
            self.retry(ids)
        stay = self._of(ids)
        for left in stay.values():
            error = left.stayed.error
            extra = {"path": str(left.stayed.file), "reason": error.strerror or str(error)}
            log.warning("image or its entry in log.html not deleted; retrying later", extra=extra)
        return len(stay)

    def retry(self, task_ids: Collection[str] | None = None) -> None:
        """Retry once to delete the leftover images of these tasks, or of all."""
        found = self._of(task_ids)
        tried = {key: left for key, left in found.items() if left.is_same()}
        others = [key for key, left in found.items() if key not in tried and left.mark is not None]
        stayed = {each.path: each for each in self._files.remove_images(list({path for _, path in tried}))}
        with self._lock:
            for key, left in tried.items():
                if key[1] in stayed:
                    if key in self._left:
                        self._left[key] = replace(left, stayed=stayed[key[1]])
                elif self._left.pop(key, None) is not None:
                    log.debug("leftover image deleted", extra={"path": str(left.stayed.file)})
            for key in others:
                self._left.pop(key, None)
        self._release({task_id for task_id, _ in found})

    def is_left(self, file: Path) -> bool:
        """Return whether the file is no image for clients: it is a leftover, whose image is deleted, or is not complete yet."""
        left = self._of(None).values()
        return (bool(left) and file.resolve() in {each.stayed.file for each in left}) or self._files.is_unfinished(file)

    def _of(self, task_ids: Collection[str] | None) -> dict[tuple[str, str], _Left]:
        with self._lock:
            return {key: left for key, left in self._left.items() if task_ids is None or key[0] in task_ids}

    def _release(self, task_ids: Iterable[str]) -> None:
        """Release the journal entries of tasks without leftovers."""
        for task_id in task_ids:
            if task_id != NO_TASK and not self._of({task_id}):
                self._journal.clear(task_id)


def _mark_of(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return GONE
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
