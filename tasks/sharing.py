"""Protocols of the parts that join this process's domain to those of others. Implemented by `cluster`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..db.deadline import Deadline
from .lifecycle.notifier import QueueNotifier
from .lifecycle.observers import TaskObserver
from .model.active_tasks import ActiveTasks
from .model.events import Event
from .overview.build import OverviewServices
from .overview.nodes import Nodes
from .ports.engine import Engine
from .ports.tools import ToolsOfNodes
from .queue.eta import EtaCalculator
from .storage.jobs import Jobs
from .storage.store import TaskStore
from .streaming.broadcaster import Broadcaster


@dataclass(frozen=True)
class Listeners:
    """Parts of the domain that hear of other processes: `batch_changed` gets the id of a batch that has changed, `observers` the
    events of their tasks."""

    batch_changed: Callable[[str], None]
    observers: Sequence[TaskObserver] = ()


class Following(Protocol):
    """This process's share in a running cluster. The bus and the observers of the domain report to it, and it to them."""

    @property
    def notifier(self) -> QueueNotifier:
        """The notifier of this process's own tasks, which also reaches the subscribers of other processes."""

    @property
    def observers(self) -> Sequence[TaskObserver]:
        """Further observers of this process's own tasks."""

    @property
    def handlers(self) -> Sequence[Callable[[Event], None]]:
        """Further handlers of the bus."""

    @property
    def tools(self) -> ToolsOfNodes:
        """The tools of all nodes."""

    def recover(self) -> None:
        """Recover the tasks that an earlier process of this name has left.

        Raises:
            DatabaseUnavailable: the history can't be read or written.
        """

    def start(self) -> None:
        """Start to follow the others and to claim tasks. The bus runs."""

    def drain(self) -> None:
        """Claim no more tasks, and let the others know. Waits for a claim that is being made."""

    def is_busy(self) -> bool:
        """Return whether this process has a task whose end is not recorded yet."""

    def close(self, deadline: Deadline) -> None:
        """Claim no more tasks, and give back those that have not started."""

    def leave(self, deadline: Deadline) -> None:
        """End all threads, and leave the cluster. The history is still open."""


class SharedQueue(Protocol):
    """The queue of the cluster."""

    @property
    def engine(self) -> Engine:
        """The engine that reaches the tasks of all nodes."""

    @property
    def nodes(self) -> Nodes:
        """The processes of the cluster."""

    def follow(
        self, events: Broadcaster, eta: EtaCalculator, overview: OverviewServices, listeners: Listeners
    ) -> Following:
        """Return this process's share in the cluster. Nothing runs until its `start`."""


class Sharing(Protocol):
    """A cluster that this process belongs to."""

    @property
    def jobs(self) -> Jobs:
        """The jobs of the cluster's tasks."""

    @property
    def name(self) -> str:
        """The name of this process."""

    @property
    def has_worker(self) -> bool:
        """True if this process generates tasks, False for a gateway."""

    def join(self, store: TaskStore, active: ActiveTasks) -> SharedQueue:
        """Return the queue of the cluster."""
