"""Builds the API, the domain and the host of a gateway."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..adapters.machine_load import machine_load
from ..adapters.startup.exposure_warnings import is_exposed
from ..adapters.startup.freed_memory import MemoryRelease
from ..adapters.startup.launch_flags import Settings
from ..api.app import create_api
from ..api.context import Context, ImageStores, Security
from ..api.info import info_of
from ..api.responses.unavailable import Unavailable
from ..api.security.authentication import AuthenticationMiddleware
from ..api.security.open_paths import OPEN_PATHS
from ..api.surfaces.errors import error_shapes
from ..asgi.cross_origin import CrossOriginProtection, TrustedOrigins
from ..asgi.origin_form import OriginForm
from ..asgi.surfaces.error_shapes import ErrorShapes
from ..asgi.types import AsgiApp
from ..auth.keyring import Keyring
from ..auth.signed_urls import UNSIGNED, UrlSigner
from ..auth.tokens import Tokens
from ..cluster.build import Cluster
from ..cluster.claim.node_worker import LocalEngine, LocalHost
from ..cluster.parts import ClusterSettings
from ..cluster.shared_parts import SharedParts
from ..db.repository import Repository
from ..db.writer import DatabaseUnavailable
from ..files.free_space import free_bytes
from ..images.depot.opening import SCHEME
from ..images.renditions.disk_cache import DiskCache
from ..images.renditions.renditions import Renditions
from ..images.storage.file_journal import FileJournal
from ..outbound.address_policy import AddressPolicy
from ..outbound.client import OutboundClient
from ..tasks.batches.admission import Admission, rows_of_nodes
from ..tasks.build import TaskOptions, TaskServices, build_task_services
from ..tasks.history.retention import RetentionPolicy
from ..tasks.queue.scheduler import Scheduler
from ..tasks.storage.sessions import Sessions
from ..tasks.streaming.event_bus import EventBus
from ..tasks.webhooks.delivery import WebhookSettings
from .elsewhere import NoWorker
from .host.catalog import ClusterCatalog
from .host.host import NO_NODE, ClusterHost
from .host.node_watch import NodeWatch
from .host.nodes import NOT_HERE, Nodes
from .waiting import WaitingApp

LOOK_WITHIN_S = 3.0
"""Seconds that the nodes may take to look into their folders for a request: one that is slow is read a little later."""


class NoLogin:
    """Implements `api.context.Login`: there is no WebUI here, and so no login of one."""

    needed = False

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        return False


@dataclass(frozen=True)
class Place:
    """The place of this gateway: in the cluster, and on this machine, where `state` is a folder for copies. `scheduler` shows the
    order of the waiting tasks."""

    cluster: ClusterSettings
    state: Path
    scheduler: Scheduler


@dataclass(frozen=True)
class Gateway:
    """The application to serve, and the parts behind it. `listening` is to be called with the gateway's address."""

    app: AsgiApp
    services: TaskServices
    context: Context
    watch: NodeWatch
    listening: Callable[[str], None]


def build_gateway(
    settings: Settings, place: Place, repository: Repository, parts: SharedParts, keys: Keyring
) -> Gateway:
    """Return a gateway. Nothing runs yet.

    Raises:
        DatabaseUnavailable: the database can't be used.
    """
    outbound, journal = OutboundClient(AddressPolicy(settings.allow_private_urls)), FileJournal(place.state / "files")
    renditions = Renditions(DiskCache(place.state / "thumbnails"))
    nodes = Nodes(lambda: watch.known(), lambda: _look_again(services, watch))
    worker: LocalEngine = NoWorker(ClusterCatalog(nodes), parts.places, renditions.forget)
    bus, local = EventBus(), LocalHost(worker, lambda: "starting", list, lambda: None, parts.inputs)
    cluster = Cluster(place.cluster, repository, bus.emit, local, place.scheduler, parts.hooks())
    watch = NodeWatch(repository, cluster.registry, lambda: waiting.look())
    options = _options(settings, keys, parts, lambda: rows_of_nodes(cluster.registry.serving(repository.read)))
    services = build_task_services(worker, repository, bus, journal, parts.inputs, outbound, options, sharing=cluster)
    assert services.node_tools is not None  # nosec B101  # for mypy: they belong to the cluster
    host = ClusterHost(nodes, services.node_tools.of(None), services.node_tools.prompts(), list)
    secret = parts.link_secret
    security = Security(
        keys,
        NoLogin(),
        UrlSigner(secret, settings.link_ttl, keys.needed),
        Tokens(secret, keys.named),
        Sessions(services.sessions, keys.named, secret, is_shared=True),
        settings.api_cors,
        is_exposed(settings),
    )
    context = Context(
        host,
        services,
        ImageStores(parts.inputs, renditions, parts.places),
        security,
        settings.base_url,
        outbound,
        settings.compat,
        has_dashboard=not settings.no_dashboard,
        no_model_files=NOT_HERE,
    )
    substitute = AuthenticationMiddleware(
        Unavailable(partial(info_of, host, services), NO_NODE),
        keys=keys,
        login=security.login,
        links=UNSIGNED,
        open_paths=OPEN_PATHS,
    )
    waiting = WaitingApp(nodes, partial(create_api, context), substitute)

    def listening(url: str) -> None:
        repository.write(lambda: cluster.registry.describe(url, None)).result()

    return Gateway(_protected(waiting, settings), services, context, watch, listening)


def _look_again(services: TaskServices, watch: NodeWatch) -> None:
    """Have the nodes write what they offer, and read it. Without the database what is known stays."""
    with contextlib.suppress(DatabaseUnavailable):
        if services.node_tools is not None:
            services.node_tools.look(LOOK_WITHIN_S)
        watch.look()


def _options(settings: Settings, keys: Keyring, parts: SharedParts, most_rows: Callable[[], int]) -> TaskOptions:
    webhooks = WebhookSettings(
        settings.webhook_url, settings.webhook_secret, settings.webhook_retry_seconds, settings.webhook_timeout
    )
    files = str(settings.api_files or SCHEME)  # a folder is given as a path
    folders = [] if files.startswith(SCHEME) else [Path(files)]
    release = MemoryRelease()
    return TaskOptions(
        settings.max_pending,
        webhooks,
        RetentionPolicy(settings.keep_days, settings.keep_count),
        admission=Admission(keys.named, lambda: free_bytes(folders), most_rows),
        load=lambda: machine_load(folders),
        on_minute=lambda minute: release.look(minute.memory),
        duty=parts.duty,
    )


def _protected(api: AsgiApp, settings: Settings) -> AsgiApp:
    trust = TrustedOrigins(settings.listen, settings.base_url, settings.api_cors, lambda: None)
    return OriginForm(ErrorShapes(CrossOriginProtection(trust, api), error_shapes(settings.compat)))
