"""Builds the parts that show the queue and the machine, and hands out those that the API uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..lifecycle.observers import TaskObserver
from ..model.active_tasks import ActiveTasks
from ..model.task import Task, TaskStatus
from ..ports.engine import Engine
from ..queue.eta import EtaCalculator
from ..statistics.statistics import MachineLoad, Sample, Statistics
from ..streaming.broadcaster import Broadcaster
from .announcements import Announcements
from .model_watch import ModelWatch
from .queue_feed import QueueFeed
from .queue_view import QueueViews


@dataclass(frozen=True)
class OverviewServices:
    """The state beyond single tasks."""

    views: QueueViews
    feed: QueueFeed
    models: ModelWatch
    announcements: Announcements
    statistics: Statistics

    @property
    def observers(self) -> tuple[TaskObserver, ...]:
        """The parts that observe the events of tasks."""
        return self.feed, self.models, self.announcements, self.statistics

    def start(self) -> None:
        """Start to take samples."""
        self.statistics.start()

    def close(self) -> None:
        """End the threads."""
        self.statistics.close()
        self.feed.close()


def build_overview(
    active: ActiveTasks,
    engine: Engine,
    eta: EtaCalculator,
    events: Broadcaster,
    load: Callable[[], MachineLoad],
    on_minute: Callable[[MachineLoad], object],
    is_downloading: Callable[[Task], bool],
) -> OverviewServices:
    """Return the parts. Nothing runs until `start`.

    Args:
        is_downloading: returns whether the files that a task needs are being downloaded.
    """
    views = QueueViews(active, engine, eta, is_downloading)

    def publish(sample: Sample) -> None:
        events.announce("stats", sample)
        on_minute(sample.load)

    return OverviewServices(
        views=views,
        feed=QueueFeed(events, views),
        models=ModelWatch(events),
        announcements=Announcements(events, eta),
        statistics=Statistics(lambda: active.counts()[TaskStatus.PENDING.value], load, publish),
    )
