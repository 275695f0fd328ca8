"""The parts of a cluster that need nothing of the domain, shared in one process."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass, field

from ..db.repository import Repository
from ..tasks.model.events import Event
from .claim.claimer import ClaimOptions
from .claim.node_worker import LocalHost
from .control.order import ClusterOrder
from .jobs.task_jobs import TaskJobs
from .nodes.registry import Registry


@dataclass(frozen=True)
class ClusterSettings:
    """The place of this process in the cluster: `location` is the database's URL, `role` is node or gateway, `card` names the
    graphics card."""

    location: str
    name: str
    version: str
    role: str = "node"
    timeout_s: float = 15.0
    claims: ClaimOptions = field(default_factory=ClaimOptions)
    card: str = ""

    @property
    def has_worker(self) -> bool:
        """Return whether this process generates tasks: a gateway does not."""
        return self.role == "node"


@dataclass(frozen=True)
class Hooks:
    """Functions of other parts of the process: `duty` starts and stops what one process of the cluster does alone, `wake_duty`
    has it look for work, `setting_changed` gets the name of a setting that has changed."""

    duty: Callable[[bool], None] = lambda _: None
    wake_duty: Callable[[], None] = lambda: None
    setting_changed: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class ClusterParts:
    """The parts that need nothing of the domain. `wakes` gets an item when the worker is free or a task has arrived."""

    settings: ClusterSettings
    repository: Repository
    emit: Callable[[Event], None]
    host: LocalHost
    jobs: TaskJobs
    registry: Registry
    order: ClusterOrder
    hooks: Hooks = Hooks()
    wakes: queue.SimpleQueue[bool] = field(default_factory=queue.SimpleQueue)
