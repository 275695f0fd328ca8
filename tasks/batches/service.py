"""The batches as the API uses them. Its functions block, except where they say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...db.statements.batches import batches, items
from ..model.active_tasks import ActiveTasks
from ..model.task import TaskStatus
from ..ports.engine import Engine
from ..queue.eta import EtaCalculator
from .changes import BatchChanges
from .creation import BatchCreation
from .feeder import BatchFeeder
from .messages import BatchMessages
from .model import Batch, Counts, Pause, Row
from .store import BatchStore, UnknownBatch

MAX_FAILURES = 100
"""Failed rows in one record."""


@dataclass(frozen=True)
class BatchView:
    """A batch with what is known of it now. `running` are the rows whose tasks run; `eta_seconds` is None if unknown, `failures`
    if they were not read."""

    batch: Batch
    counts: Counts
    running: int = 0
    pause: Pause | None = None
    eta_seconds: float | None = None
    failures: tuple[Row, ...] | None = None


class BatchEta:
    """Estimates when a batch ends if no other task comes before its rows."""

    def __init__(self, engine: Engine, active: ActiveTasks, eta: EtaCalculator) -> None:
        self._engine = engine
        self._active = active
        self._eta = eta

    def seconds(self, batch: Batch, counts: Counts) -> float | None:
        """Return the seconds until the last row ends, 0 without open rows, None without measurements."""
        if not counts.left:
            return 0.0
        workload = self._engine.workload(batch.base)
        one = self._eta.seconds(replace(workload, images=1))
        two = self._eta.seconds(replace(workload, images=2))
        if one is None or two is None:
            return None
        seconds = counts.left * one + max(counts.images_left - counts.left, 0) * (two - one)
        return round(seconds / min(self._eta.nodes(), counts.left), 1)

    def running(self, task_ids: Sequence[str]) -> int:
        """Return the number of these tasks that run."""
        found = [self._active.get(task_id) for task_id in task_ids]
        return sum(live is not None and live.task.status is TaskStatus.RUNNING for live in found)


@dataclass(frozen=True)
class Batches:
    """The parts that the API uses: creation, reading, control, events and messages."""

    store: BatchStore
    creation: BatchCreation
    feeder: BatchFeeder
    changes: BatchChanges
    messages: BatchMessages
    eta: BatchEta

    def get(self, batch_id: str) -> Batch:
        """Return a batch.

        Raises:
            UnknownBatch: the id belongs to no batch.
        """
        batch = self.store.get(batch_id)
        if batch is None:
            raise UnknownBatch(batch_id)
        return batch

    def view(self, batch: Batch) -> BatchView:
        """Return a batch's current view, with its first failed rows."""
        counts = self.store.counts(batch)
        failed = self.store.rows(batch, (items.FAILED,), 0, MAX_FAILURES) if counts.failed else []
        return replace(self._view(batch, counts), failures=tuple(failed))

    def counted(self, batch: Batch) -> BatchView:
        """Return a batch's current view without failures."""
        return self._view(batch, self.store.counts(batch))

    def page(
        self, sources: Sequence[str], states: Sequence[str], offset: int, limit: int
    ) -> tuple[list[BatchView], int]:
        """Return the views of batches without failures, the newest first, and the number of all."""
        found, total = self.store.page(sources, states or batches.VISIBLE, offset, limit)
        return [self._view(batch, counts) for batch, counts in found], total

    def _view(self, batch: Batch, counts: Counts) -> BatchView:
        in_queue = self.store.in_queue(batch.number) if counts.queued else []
        running = self.eta.running([task_id for _, _, task_id in in_queue])
        seconds = None if batch.has_ended else self.eta.seconds(batch, counts)
        return BatchView(batch, counts, running, self.feeder.pause_of(batch), seconds)
