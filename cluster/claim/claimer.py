"""The thread of a node that claims the next task when the worker is free."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from ...db.locks import CLAIM
from ...db.repository import Repository
from ...db.writer import DatabaseUnavailable
from ...tasks.model.rows import from_row
from ...tasks.model.task import Task, now_ms
from ...tasks.model.workload.workload import ModelNeeds
from ..jobs.task_jobs import TaskJobs
from .candidates import read_candidates, write_turn
from .chooser import NOTHING, Choice, NodeModels, Rules, choose

log = logging.getLogger("fooocus_api.cluster")

POLL_S = 5.0
"""Seconds after which a free node looks for a task without a notice: a notice may be lost."""
RETRY_S = 1.0
"""Seconds until the next try after the database has not answered."""


class FreeWorker(Protocol):
    """The worker of this node."""

    def is_free(self) -> bool:
        """Return whether a task would start at once."""

    def loaded(self) -> ModelNeeds | None:
        """Return the models in memory, None for none."""

    def files(self) -> Collection[str]:
        """Return the names of the model files that tasks may use here."""

    def look_again(self) -> None:
        """Read the names of the model files again before the next claim, at most twice a minute: some wait for files that this
        node lacked, and may have by now."""

    def start(self, task: Task) -> None:
        """Let the worker generate a claimed task. From now on `is_free` is false, until the task has ended."""


class Neighbours(Protocol):
    """The other nodes, in the transaction of the claim."""

    def loaded_elsewhere(self) -> set[str]:
        """Return the checkpoints that other living nodes have in memory, or load for a task that they have claimed."""

    def note_loaded(self, checkpoint: str) -> None:
        """Write that this node loads a checkpoint."""


@dataclass(frozen=True)
class ClaimOptions:
    """The rules of the scheduler, and the seconds that a free node leaves a task to a node that has its model loaded."""

    rules: Rules = field(default_factory=Rules)
    affinity_wait_s: float = 2.0


class Claimer:
    """Claims one task at a time, and none while the worker is busy: the next one may suit another node better."""

    def __init__(
        self,
        repository: Repository,
        jobs: TaskJobs,
        worker: FreeWorker,
        neighbours: Neighbours,
        options: ClaimOptions,
        wakes: queue.SimpleQueue[bool],
    ) -> None:
        """Claim for this worker.

        Args:
            wakes: gets an item when the worker has become free, or a task has arrived.
        """
        self._repository = repository
        self._jobs = jobs
        self._claims = jobs.claims
        self._worker = worker
        self._neighbours = neighbours
        self._options = options
        self._wakes = wakes
        self._closing = threading.Event()
        self._free_since: float | None = None
        self.is_waiting = False
        """True while this node leaves tasks to others: it looks again once one of them is claimed."""
        self._thread = threading.Thread(target=self._run, name="fooocus-api-claimer", daemon=True)

    def start(self) -> None:
        """Start to claim."""
        self._thread.start()

    def close(self, within_s: float | None = None) -> None:
        """Claim no more tasks, and wait for a claim that is being made."""
        self._closing.set()
        self._wakes.put(False)
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        pause = POLL_S
        while not self._closing.is_set():
            self._wait(pause)
            try:
                pause = self._claim_all()
            except DatabaseUnavailable:
                pause = RETRY_S
            except Exception:
                log.exception("claim failed; retrying")
                pause = RETRY_S

    def _wait(self, pause: float) -> None:
        try:
            self._wakes.get(timeout=pause)
        except queue.Empty:
            return
        while not self._wakes.empty():
            self._wakes.get()

    def _claim_all(self) -> float:
        """Claim while the worker is free. Return the seconds until the next look."""
        while not self._closing.is_set():
            if not self._worker.is_free():
                self._free_since = None
                return POLL_S
            if self._free_since is None:
                self._free_since = time.monotonic()
            if not self._repository.read(self._jobs.has_waiting):
                return POLL_S
            left = self._options.affinity_wait_s - (time.monotonic() - self._free_since)
            task = self._claim(patient=left > 0)
            self.is_waiting = task is None and left > 0
            if task is None:
                if left > 0:
                    return min(max(left, 0.02), POLL_S)
                self._worker.look_again()
                return POLL_S
            self._free_since = None
            self._worker.start(task)
        return POLL_S

    def _claim(self, *, patient: bool) -> Task | None:
        loaded = self._worker.loaded()
        files = self._worker.files()
        rules = self._options.rules
        claimed: list[str] = []

        def change() -> Task | None:
            candidates = read_candidates(self._jobs.database, files, fifo=rules.fifo)
            # Not from memory: what was read before the lock may be of before the claim of another node.
            elsewhere = frozenset(self._neighbours.loaded_elsewhere()) if patient else frozenset()
            task = self._take(choose(candidates, rules, NodeModels(loaded, elsewhere), patient=patient), loaded)
            if task is not None:  # before the commit, whose notice may be faster than its answer
                claimed.append(task.task_id)
                self._claims.add(task.task_id, task.attempts)
            return task

        try:
            task = self._repository.write(change, locks=(CLAIM,)).result()
        except BaseException:
            for task_id in claimed:
                self._claims.discard(task_id)
            raise
        for task_id in claimed:  # of a transaction that was repeated
            if task is None or task_id != task.task_id:
                self._claims.discard(task_id)
        return task

    def _take(self, choice: Choice, loaded: ModelNeeds | None) -> Task | None:
        if choice is NOTHING or choice.entry is None or choice.entry.task_id is None:
            return None
        entry, task_id = choice.entry, choice.entry.task_id
        if not self._jobs.claim(task_id, now_ms()):
            return None
        most = self._options.rules.max_overtakes
        write_turn(self._jobs.database, entry.source, entry.priority, choice.overtaking, most)
        if entry.needs is not None and entry.needs.models and entry.needs.match(loaded) == 0:
            self._neighbours.note_loaded(entry.needs.models[0])
        row = self._repository.get(task_id)
        return None if row is None else from_row(row)
