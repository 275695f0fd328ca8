"""Deletes tasks with their images: those somebody names, those of a time, and what is older than is to be kept."""

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

from ..db.filters import Filter
from ..db.repository import Repository
from ..db.sources import forget_uploads
from ..db.writer import DatabaseUnavailable
from . import storage
from .claims import Claims
from .gaps import complain
from .inputs import InputStore
from .leftovers import NO_TASK, Leftovers
from .task import LIVE_VALUES, Task, now_ms

log = logging.getLogger("fooocus_api.tasks")

T = TypeVar("T")
STEP = 50
"""Tasks deleted in one go: between two goes others get their turn at the database."""
HOUR = 3600
DAY_MS = 24 * HOUR * 1000
UNUSED_INPUT_SECONDS = 24 * HOUR
"""How long an input may wait for a request that uses it."""
THROWN_AWAY_SECONDS = HOUR
"""How long an image that Fooocus doesn't keep can still be fetched."""


@dataclass(frozen=True)
class Limits:
    """How much history is kept; None is all of it."""

    days: float | None = None
    count: int | None = None


@dataclass(frozen=True)
class Removed:
    """Outcome of a deletion."""

    tasks: int = 0
    files_left: int = 0
    """Images that another program has open: they are deleted later."""


class Removal:
    """Never touches a task that has not ended, nor a file outside of the outputs."""

    def __init__(self, repository: Repository, inputs: InputStore, claims: Claims, leftovers: Leftovers) -> None:
        self._repository = repository
        self._claims = claims
        self._leftovers = leftovers
        self._inputs = inputs
        self._stopping = threading.Event()
        self._passing: deque[tuple[float, list[str]]] = deque()

    def remove(self, tasks: Sequence[Task]) -> Removed:
        """Delete these ended tasks with their images. May wait for the database, and a moment for another program.

        Raises:
            DatabaseUnavailable: nothing was deleted.
        """
        gone = self._remove(tasks)
        return Removed(gone, self._left_of([task.task_id for task in tasks]))

    def _remove(self, tasks: Sequence[Task]) -> int:
        def forget() -> tuple[int, set[str]]:
            gone = sum(self._repository.delete(task.task_id) for task in tasks)
            return gone, self._repository.recorded([image.path for task in tasks for image in task.images])

        # The records first: a crash in between leaves files too many, not records of nothing. The files are named before,
        # so that they go at the next start.
        for task in tasks:
            for image in task.images:
                self._claims.claim(task.task_id, image.path)
        try:
            gone, still = self._repository.write(forget).result()
        except DatabaseUnavailable:
            for task in tasks:
                self._claims.release(task.task_id)
            raise
        self._safely(
            self._leftovers.remove,
            {task.task_id: [image.path for image in task.images if image.path not in still] for task in tasks},
        )
        return gone

    def _left_of(self, task_ids: Sequence[str]) -> int:
        """Wait a moment for the images of these tasks that another program has open, and return how many stay for now."""
        left = self._safely(self._leftovers.settle, task_ids) or 0
        self._safely(self._leftovers.again)
        return left

    def _safely(self, action: Callable[..., T], *arguments: Any) -> T | None:
        """Do what a deletion that has taken place already does not depend on: what it leaves has a claim."""
        try:
            return action(*arguments)
        except Exception:
            complain("images not deleted")
            return None

    def remove_matching(self, chosen: Filter) -> Removed:
        """Delete all ended tasks that the filter lets through."""
        return self._remove_all(replace(chosen, excluded=LIVE_VALUES))

    def is_left(self, file: Path) -> bool:
        """Return True for an image that is deleted for all but the disk."""
        return self._leftovers.is_left(file)

    def throw_away(self, paths: list[str]) -> None:
        """Images that the host doesn't keep have been handed over: they go with the first task that ends an hour later. So does
        what an earlier deletion had to leave."""
        now = time.monotonic()
        while self._passing and self._passing[0][0] < now - THROWN_AWAY_SECONDS:
            self._safely(self._leftovers.remove, {NO_TASK: self._passing.popleft()[1]})
        if paths:
            self._passing.append((now, paths))
        self._safely(self._leftovers.again)

    def keep_to(self, limits: Limits) -> None:
        """Begin to delete what goes beyond the limits, now and every hour, in the background."""
        if limits != Limits():
            threading.Thread(target=self._prune, args=(limits,), name="fooocus-api-retention", daemon=True).start()

    def close(self) -> None:
        """End after the step at hand."""
        self._stopping.set()

    def _prune(self, limits: Limits) -> None:
        while not self._stopping.is_set():
            try:
                gone = self.prune(limits)
                if gone:
                    log.info("old tasks deleted", extra={"tasks": gone})
            except Exception:
                log.exception("old tasks could not be deleted; trying again in an hour")
            self._stopping.wait(HOUR)

    def prune(self, limits: Limits) -> int:
        """Delete what goes beyond the limits; how many tasks that were."""
        gone = 0
        ended = Filter(excluded=LIVE_VALUES)
        if limits.days is not None:
            gone += self._remove_all(Filter(excluded=LIVE_VALUES, end=now_ms() - int(limits.days * DAY_MS))).tasks
        if limits.count is not None:
            total, _ = self._repository.reading(lambda: self._repository.count(ended))
            gone += self._remove_all(ended, most=max(total - limits.count, 0)).tasks
        self.sweep_inputs()
        return gone

    def sweep_inputs(self) -> int:
        """Delete inputs that no record points to and that nobody has sent lately; how many."""
        gone = 0
        before = time.time() - UNUSED_INPUT_SECONDS
        for names in self._inputs.older_than(before, STEP):
            if self._stopping.is_set():
                break
            # On the writer's thread: no task that uses one can be accepted meanwhile.
            gone += self._repository.write(partial(self._remove_unused, names, before)).result()
        return gone

    def _remove_unused(self, names: list[str], before: float) -> int:
        used = self._repository.inputs_in_use(names)
        unused = [name for name in names if name not in used]
        gone = self._inputs.remove(unused, before)
        forget_uploads([name for name in unused if not self._inputs.has(name)])
        return gone

    def _remove_all(self, chosen: Filter, most: int | None = None) -> Removed:
        gone = 0
        removed_ids: list[str] = []
        try:
            while not self._stopping.is_set() and (most is None or gone < most):
                step = STEP if most is None else min(STEP, most - gone)
                rows = self._repository.reading(partial(self._repository.page, chosen, 0, step, newest_first=False))
                if not rows:
                    break
                tasks = [storage.from_row(row) for row in rows]
                removed = self._remove(tasks)
                removed_ids += [task.task_id for task in tasks]
                if removed == 0:
                    break
                gone += removed
        finally:
            left = self._left_of(removed_ids)  # one wait for all
        return Removed(gone, left)
