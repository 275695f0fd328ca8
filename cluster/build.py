"""Builds the parts of a cluster for this process, and joins them to its domain."""

from __future__ import annotations

from collections.abc import Callable

from ..db.connection import DatabaseProblem
from ..db.repository import Repository
from ..db.writer import DatabaseUnavailable
from ..tasks.model.active_tasks import ActiveTasks
from ..tasks.model.events import Event, Moved
from ..tasks.overview.build import OverviewServices
from ..tasks.overview.nodes import Nodes
from ..tasks.ports.engine import Engine
from ..tasks.queue.eta import EtaCalculator
from ..tasks.queue.scheduler import Scheduler
from ..tasks.sharing import Listeners
from ..tasks.storage.store import TaskStore
from ..tasks.streaming.broadcaster import Broadcaster
from .claim.node_worker import LocalHost
from .control.engine import ClusterEngine
from .control.order import ClusterOrder
from .control.remote import RemoteTasks
from .following.row_reader import RowReader
from .jobs.schema import install_schema
from .jobs.task_jobs import Claims, TaskJobs
from .links import Links
from .member import Member
from .messages.notices import EVERYONE, TaskControl, to_json
from .nodes.listing import NodeList
from .nodes.recovery import NodeRecovery
from .nodes.registry import Registry
from .parts import ClusterParts, ClusterSettings, Hooks
from .signals.sender import NotificationSender


class ClusterQueue:
    """Implements `tasks.sharing.SharedQueue`."""

    def __init__(self, base: ClusterParts, store: TaskStore, active: ActiveTasks) -> None:
        local = base.host.engine
        reader, sender = RowReader(base.repository, active, base.emit), NotificationSender(base.settings.location)
        recovery = NodeRecovery(base.repository, base.jobs, store, lambda task: local.workload(task.parameters))
        remote = RemoteTasks(
            base.repository,
            base.jobs,
            store,
            active,
            reader.changed,
            lambda task, how: sender.send(EVERYONE, to_json(TaskControl(task.task_id, how, task.worker or -1))),
        )
        self._base = base
        self._nodes = NodeList(base.repository, base.registry)
        self._links = Links(active, reader, sender, recovery)
        self._engine = ClusterEngine(local, base.order, base.jobs.claims, remote, base.emit)

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def nodes(self) -> Nodes:
        return self._nodes

    def follow(
        self, events: Broadcaster, eta: EtaCalculator, overview: OverviewServices, listeners: Listeners
    ) -> Member:
        return Member(self._base, self._links, events, eta, overview, listeners)


class Cluster:
    """Implements `tasks.sharing.Sharing`."""

    def __init__(
        self,
        settings: ClusterSettings,
        repository: Repository,
        emit: Callable[[Event], None],
        host: LocalHost,
        scheduler: Scheduler,
        hooks: Hooks,
    ) -> None:
        """Install the queue in the database, and build what needs nothing of the domain.

        Raises:
            DatabaseUnavailable, peewee.PeeweeException: the database can't be used.
        """
        database = repository.database
        try:
            repository.write(lambda: install_schema(database)).result()
        except DatabaseProblem as error:
            raise DatabaseUnavailable(str(error)) from error
        jobs = TaskJobs(database, settings.name, Claims())
        self.registry = Registry(database, jobs, settings.name, settings.role, settings.timeout_s)
        order = ClusterOrder(scheduler, lambda task_id: emit(Moved(task_id)))
        self._base = ClusterParts(settings, repository, emit, host, jobs, self.registry, order, hooks)

    @property
    def jobs(self) -> TaskJobs:
        return self._base.jobs

    @property
    def name(self) -> str:
        return self._base.settings.name

    @property
    def has_worker(self) -> bool:
        return self._base.settings.has_worker

    def freed(self) -> None:
        """Look for a task: the worker has become free. Takes no lock."""
        self._base.wakes.put(True)

    def join(self, store: TaskStore, active: ActiveTasks) -> ClusterQueue:
        return ClusterQueue(self._base, store, active)
