"""The order in which the parts of the domain close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..db.deadline import Deadline
from ..db.repository import Repository
from ..images.storage.publisher import Publisher
from .batches.feeder import BatchFeeder
from .batches.messages import BatchMessages
from .history.retention import Retention
from .lifecycle.result_files import ResultFiles
from .lifetime import Closer
from .model.active_tasks import ActiveTasks
from .overview.build import OverviewServices
from .ports.engine import Engine
from .queue.model_downloads import Downloader
from .repeats.model_hashes import ModelHashes
from .sharing import Following
from .storage.store import TaskStore
from .streaming.event_bus import EventBus
from .webhooks.delivery import Webhooks

BUS_CLOSE_TIMEOUT_S = 5.0
"""Seconds that a shutdown waits for the handling of queued events."""
UPLOADS_CLOSE_TIMEOUT_S = 5.0
"""Seconds that a shutdown waits for the uploads in flight."""
SAVES_CLOSE_TIMEOUT_S = 5.0
"""Seconds that a shutdown waits for the images of ended tasks."""


@dataclass(frozen=True)
class Shutdown:
    """The parts that have something to close, and the engine, which has images to finish."""

    repository: Repository
    store: TaskStore
    active: ActiveTasks
    engine: Engine
    bus: EventBus
    results: ResultFiles
    publisher: Publisher | None
    retention: Retention
    downloader: Downloader
    hashes: ModelHashes
    webhooks: Webhooks
    messages: BatchMessages
    feeder: BatchFeeder
    overview: OverviewServices
    following: Following | None

    def closers(self) -> Iterator[Closer]:
        """Yield the functions that close the parts: the last one is to be called first."""
        yield lambda deadline: self.repository.close(deadline.left())
        if self.following is not None:
            yield self.following.leave
        yield lambda deadline: self.results.close(deadline.half())
        yield lambda deadline: self.bus.stop(_or(deadline.half(), BUS_CLOSE_TIMEOUT_S))
        yield self._close_publisher
        yield lambda deadline: self.engine.files.finish_saves(_or(deadline.half(), SAVES_CLOSE_TIMEOUT_S))
        yield lambda _: self.retention.close()
        yield lambda _: self.downloader.close()
        yield lambda _: self.hashes.close()
        yield lambda _: self.webhooks.close()
        yield lambda _: self.messages.close()
        yield self._put_back
        if self.following is not None:
            yield self.following.close
        yield lambda _: self.feeder.close()
        yield lambda _: self.overview.close()

    def _put_back(self, _: Deadline) -> None:
        """Put running tasks back first, as that write is essential; the end of one that still ends overwrites it."""
        self.store.suspend()
        for task in self.active.started(lambda running: running.task.source != "webui"):
            self.store.put_back(replace(task))

    def _close_publisher(self, deadline: Deadline) -> None:
        """End the uploads. A task that waits for them was put back, and runs again."""
        if self.publisher is not None:
            self.publisher.close(_or(deadline.half(), UPLOADS_CLOSE_TIMEOUT_S))


def _or(seconds: float | None, otherwise: float) -> float:
    return otherwise if seconds is None else seconds
