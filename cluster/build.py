"""Builds the parts of a cluster for this process, and joins them to its domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..db.repository import Repository
from ..db.tables import database
from ..tasks.live.build import LiveServices
from ..tasks.model.active_tasks import ActiveTasks
from ..tasks.model.events import Event
from ..tasks.queue.eta import EtaCalculator
from ..tasks.queue.scheduler import Scheduler
from ..tasks.storage.store import TaskStore
from ..tasks.streaming.broadcaster import Broadcaster
from .claim.claimer import ClaimOptions
from .claim.node_worker import HostFacts, LocalEngine
from .control.engine import ClusterEngine
from .control.order import ClusterOrder
from .control.remote import RemoteTasks
from .following.row_reader import RowReader
from .jobs.pairs import Claims, Pairs
from .jobs.schema import install_schema
from .member import Member
from .nodes.recovery import NodeRecovery
from .nodes.registry import Registry
from .signals.voice import Voice


@dataclass(frozen=True)
class ClusterSettings:
    """The place of this process in the cluster: `location` is the database's URL, `role` is node or gateway, `card` names the
    graphics card."""

    location: str
    name: str
    version: str
    role: str = "node"
    timeout_s: float = 15.0
    claims: ClaimOptions = ClaimOptions()
    card: str = ""


@dataclass(frozen=True)
class Foundation:
    """The parts that need nothing of the domain."""

    settings: ClusterSettings
    repository: Repository
    emit: Callable[[Event], None]
    host: HostFacts
    claims: Claims
    pairs: Pairs
    registry: Registry
    order: ClusterOrder


class ClusterQueue:
    """Implements `tasks.sharing.SharedQueue`."""

    def __init__(self, base: Foundation, local: LocalEngine, store: TaskStore, active: ActiveTasks) -> None:
        self._base = base
        self._local = local
        self._active = active
        self._reader = RowReader(base.repository, active, base.emit)
        self._voice = Voice(base.settings.location)
        self._recovery = NodeRecovery(
            base.repository, base.pairs, store, lambda task: local.workload(task.parameters)
        )
        remote = RemoteTasks(base.repository, base.pairs, store, active, self._reader.changed, self._voice.control)
        self.engine = ClusterEngine(local, base.order, base.claims, remote, base.emit)

    def follow(self, events: Broadcaster, eta: EtaCalculator, live: LiveServices) -> Member:
        ...


class Cluster:
    """Implements `tasks.sharing.Sharing`."""

    def __init__(
        self,
        settings: ClusterSettings,
        repository: Repository,
        emit: Callable[[Event], None],
        host: HostFacts,
        scheduler: Scheduler,
    ) -> None:
        """Install the queue in the database, and build what needs nothing of the domain.

        Raises:
            DatabaseUnavailable, peewee.PeeweeException: the database can't be used.
        """
        repository.write(lambda: install_schema(database)).result()
        claims = Claims()
        pairs = Pairs(database, settings.name, claims)
        registry = Registry(database, pairs, settings.name, settings.role, settings.timeout_s)
        self._base = Foundation(
            settings, repository, emit, host, claims, pairs, registry, ClusterOrder(scheduler)
        )
        self.registry = registry

    @property
    def jobs(self) -> Pairs:
        return self._base.pairs

    def join(self, local: LocalEngine, store: TaskStore, active: ActiveTasks) -> ClusterQueue:
        return ClusterQueue(self._base, local, store, active)
