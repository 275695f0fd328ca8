"""Composition root of a cluster's part in this process. Imported with `--cluster` only."""

from __future__ import annotations

from . import __version__
from .adapters.models.catalog import CATALOGS
from .adapters.models.tools import FooocusTools
from .adapters.startup.launch_flags import Settings
from .adapters.startup.node_names import node_name
from .adapters.worker.engine import FooocusEngine
from .cluster.build import Cluster
from .cluster.claim.chooser import Rules
from .cluster.claim.claimer import ClaimOptions
from .cluster.claim.node_worker import HostFacts
from .cluster.foundation import ClusterSettings, Hooks
from .db.repository import Repository
from .tasks.queue.scheduler import Scheduler
from .tasks.streaming.event_bus import EventBus

FILES = ("models", "loras", "vaes")


def build_cluster(
    settings: Settings,
    repository: Repository,
    bus: EventBus,
    engine: FooocusEngine,
    tools: FooocusTools,
    hooks: Hooks,
) -> Cluster:
    """Return this process's part of the cluster. Nothing runs yet.

    Raises:
        DatabaseUnavailable, peewee.PeeweeException: the database can't be used.
    """
    rules = Rules(settings.schedule == "fifo", settings.max_overtakes, settings.max_overtake_seconds)
    place = ClusterSettings(
        settings.api_db or "",
        node_name(settings),
        __version__,
        timeout_s=settings.node_timeout,
        claims=ClaimOptions(rules, settings.affinity_wait),
    )
    host = HostFacts(tools.has_started, _model_files)
    scheduler = Scheduler(rules.fifo, rules.max_overtakes, rules.max_overtake_s)
    return Cluster(place, repository, bus.emit, engine, host, scheduler, hooks)


def _model_files() -> list[str]:
    return [name for kind in FILES for name in CATALOGS[kind]()]
