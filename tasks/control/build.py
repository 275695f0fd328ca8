"""Builds the parts that change the queue and many tasks at once."""

from __future__ import annotations

from dataclasses import dataclass

from ...db.repository import Repository
from ..history.retention import Retention
from ..model.active_tasks import ActiveTasks
from ..overview.build import OverviewServices
from ..ports.engine import Engine
from ..service import TaskService
from ..storage.stored_order import StoredOrder
from .bulk import BulkActions
from .moves import TaskMoves
from .pause import QueuePause
from .tags import TaskTags


@dataclass(frozen=True)
class ControlServices:
    """The parts that change the queue and many tasks at once."""

    moves: TaskMoves
    bulk: BulkActions
    tags: TaskTags
    pause: QueuePause


def build_control(
    repository: Repository,
    engine: Engine,
    active: ActiveTasks,
    tasks: TaskService,
    retention: Retention,
    overview: OverviewServices,
) -> ControlServices:
    """Return the parts. Nothing runs."""
    moves, tags = TaskMoves(active, engine, StoredOrder(repository)), TaskTags(repository, active)
    bulk = BulkActions(repository, active, tasks, retention, moves, tags)
    return ControlServices(moves, bulk, tags, QueuePause(repository, engine, overview.feed.change))
