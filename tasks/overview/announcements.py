"""Notices of moves, deletions and downloads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.outlook import NO_OUTLOOK, Outlook
from ..model.task import Task
from ..model_files.receiving.records import DownloadRecord
from ..queue.eta import EtaCalculator
from ..streaming.broadcaster import Broadcaster


@dataclass(frozen=True)
class MovedTask:
    """A task that was moved, with its outlook then."""

    task: Task
    outlook: Outlook


class Announcements:
    """Announces to the subscribers that want it. Any thread, except where it says otherwise."""

    def __init__(self, broadcaster: Broadcaster, eta: EtaCalculator) -> None:
        self._broadcaster = broadcaster
        self._eta = eta

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Announce a task that was moved. Bus thread only."""
        if isinstance(event, events.Moved) and active is not None:
            task = replace(active.task)
            outlook = self._eta.outlook(task) if self._broadcaster.views("moved") else NO_OUTLOOK
            self._broadcaster.announce("moved", MovedTask(task, outlook), source=task.source)

    def removed(self, tasks: Sequence[Task]) -> None:
        """Announce deleted tasks, by their sources: each client learns of those that it may see."""
        by_source: defaultdict[str, list[str]] = defaultdict(list)
        for task in tasks:
            by_source[task.source].append(task.task_id)
        for source, task_ids in by_source.items():
            self._broadcaster.announce("deleted", task_ids, source=source)

    def download(self, record: DownloadRecord) -> None:
        """Announce the new state of a download of a model file."""
        self._broadcaster.announce("download", record, key=record.download_id)
