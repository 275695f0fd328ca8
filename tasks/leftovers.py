"""Images that were to be deleted and stayed, since another program has them open. Used where images are deleted.

What stays keeps its claim, so that it goes at the next start at the latest. Until then it is tried again with each deletion,
at each task's end and, where the history has limits, every hour: no timer of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..db.repository import Repository
from ..files.replacing import PAUSES_SECONDS, is_held
from .claims import Claims
from .engine import Engine, Stayed

log = logging.getLogger("fooocus_api.tasks")

PAUSES = PAUSES_SECONDS[:6]
"""Pauses of the one wait for all images of a deletion: 0.7 s in all. A scanner is done by then, an editor is not."""
GONE = (0, 0, 0, 0)
"""The mark of a file that is not there."""
NO_TASK = ""
"""In place of a task's id: images that belong to a record which stays."""


@dataclass(frozen=True)
class _Left:
    stayed: Stayed
    mark: tuple[int, ...] | None
    """By which the file is known again; None where it could not be looked at."""
    since_ns: int

    def is_same(self) -> bool:
        """Return False when another file has the name now: a new task's, or the user's."""
        mark = _mark_of(self.stayed.file)
        if self.mark is None:
            return mark is not None and mark[-1] < self.since_ns
        return mark in (self.mark, GONE)


class Leftovers:
    """Deletes images, and knows those that stayed. Any thread."""

    def __init__(self, engine: Engine, repository: Repository, claims: Claims) -> None:
        self._engine = engine
        self._repository = repository
        self._claims = claims
        self._lock = threading.Lock()
        self._left: dict[tuple[str, str], _Left] = {}

    def remove(self, images: Mapping[str, Sequence[str]]) -> None:
        """Delete images by their relative paths, task by task, in one try each. What stays is tried again."""
        owners = {path: task_id for task_id, paths in images.items() for path in paths}
        stayed = self._engine.remove_images(list(owners)) if owners else []
        now = time.time_ns()
        with self._lock:
            for each in stayed:
                self._left[owners[each.path], each.path] = _Left(each, _mark_of(each.file), now)
        self._release(images)

    def sweep(self, task_id: str, done: Collection[str] = frozenset()) -> None:
        """Delete what was claimed for a task, is in no record, and is not `done`: images of an attempt that is made again,
        halves of files, and what a deletion had not come to.

        Raises:
            DatabaseUnavailable: the records can't be read; nothing was deleted.
        """
        claimed = [path for path in self._claims.of(task_id) if path not in done]
        relative = [self._engine.relative_path(path) if Path(path).is_absolute() else path for path in claimed]
        paths = [path for path in relative if path is not None]
        known = self._repository.reading(lambda: self._repository.recorded(paths))
        self.remove({task_id: [path for path in paths if path not in known]})

    def settle(self, task_ids: Iterable[str]) -> int:
        """Wait a little for the images of these tasks that stayed, all together, and return how many stay for now."""
        ids = set(task_ids)
        for pause in PAUSES:
            if not any(is_held(left.stayed.error) for left in self._of(ids).values()):
                break
            time.sleep(pause)
            self.again(ids)
        stay = self._of(ids)
        for left in stay.values():
            error = left.stayed.error
            extra = {"path": str(left.stayed.file), "reason": error.strerror or str(error)}
            log.warning("image, or its entry in log.html, not deleted; it is tried again later", extra=extra)
        return len(stay)

    def again(self, task_ids: Collection[str] | None = None) -> None:
        """Try once more to delete what stayed, of these tasks or of all."""
        chosen = self._of(task_ids)
        tried = {key: left for key, left in chosen.items() if left.is_same()}
        others = [key for key, left in chosen.items() if key not in tried and left.mark is not None]
        stayed = {each.path: each for each in self._engine.remove_images(list({path for _, path in tried}))}
        with self._lock:
            for key, left in tried.items():
                if key[1] in stayed:
                    if key in self._left:
                        self._left[key] = replace(left, stayed=stayed[key[1]])
                elif self._left.pop(key, None) is not None:
                    log.debug("image deleted that another program had open", extra={"path": str(left.stayed.file)})
            for key in others:
                self._left.pop(key, None)
        self._release({task_id for task_id, _ in chosen})

    def is_left(self, file: Path) -> bool:
        """Return True for an image that is deleted for all but the disk."""
        left = self._of(None).values()
        return bool(left) and file.resolve() in {each.stayed.file for each in left}

    def _of(self, task_ids: Collection[str] | None) -> dict[tuple[str, str], _Left]:
        with self._lock:
            return {key: left for key, left in self._left.items() if task_ids is None or key[0] in task_ids}

    def _release(self, task_ids: Iterable[str]) -> None:
        """Give up the claims of tasks of which nothing is left."""
        for task_id in task_ids:
            if task_id != NO_TASK and not self._of({task_id}):
                self._claims.release(task_id)


def _mark_of(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return GONE
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
