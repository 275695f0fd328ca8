"""Builds the API, the domain and the host of a gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..adapters.machine_load import machine_load
from ..adapters.startup.exposure_warnings import is_exposed
from ..adapters.startup.launch_flags import Settings
from ..api.app import create_api
from ..api.context import Context, Security
from ..api.surfaces.errors import error_shapes
from ..asgi.cross_origin import CrossOriginProtection, TrustedOrigins
from ..asgi.origin_form import OriginForm
from ..asgi.surfaces.error_shapes import ErrorShapes
from ..asgi.types import AsgiApp
from ..auth.keys import FILE_NAME, Keyring
from ..auth.signed_urls import UrlSigner, load_or_create_secret
from ..auth.tokens import Tokens
from ..db.repository import Repository
from ..files.free_space import free_bytes
from ..files.image_paths import image_in
from ..files.replacing import delete_now
from ..images.renditions.disk_cache import DiskCache
from ..images.renditions.renditions import Renditions
from ..images.storage.file_journal import FileJournal
from ..images.storage.input_store import InputStore
from ..images.storage.library import find_reference
from ..outbound.address_policy import AddressPolicy
from ..outbound.client import OutboundClient
from ..tasks.batches.admission import Admission
from ..tasks.build import TaskOptions, TaskServices, build_task_services
from ..tasks.history.retention import RetentionPolicy
from ..tasks.ports.engine import Stayed
from ..tasks.storage.sessions import Sessions
from ..tasks.streaming.event_bus import EventBus
from ..tasks.webhooks.delivery import WebhookSettings
from .elsewhere import NoTools, NoWorker
from .host.catalog import ClusterCatalog
from .host.host import ClusterHost
from .host.nodes import Nodes

STATE = ".fooocus_api"


class NoLogin:
    """Implements `api.context.Login`: there is no WebUI here, and so no login of one."""

    needed = False

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        return False


class SharedFolder:
    """The folder that the nodes share: each has its images in `NAME/outputs` of it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.state = root / STATE

    def outputs(self) -> list[Path]:
        """Return the folders of generated images."""
        return sorted(path for path in self._root.glob("*/outputs") if path.is_dir())

    def relative(self, path: str) -> str | None:
        """Return an image's path relative to its folder, None outside of all folders."""
        for folder in self.outputs():
            with suppress(ValueError):
                return Path(path).resolve().relative_to(folder.resolve()).as_posix()
        return None

    def remove(self, paths: Sequence[str]) -> list[Stayed]:
        """Delete images by their relative paths, and return those that could not be deleted."""
        stayed = []
        for relative in paths:
            for path in filter(None, (image_in(folder, relative) for folder in self.outputs())):
                try:
                    with suppress(FileNotFoundError):
                        delete_now(path)
                except OSError as error:
                    stayed.append(Stayed(relative, path, error))
        return stayed


@dataclass(frozen=True)
class Gateway:
    """The application to serve, and the parts behind it."""

    app: AsgiApp
    services: TaskServices
    context: Context


def build_gateway(settings: Settings, files: SharedFolder, repository: Repository, nodes: Nodes) -> Gateway:
    """Return a gateway, whose services are not started yet. The nodes must be known: the API's schema has their values.

    Raises:
        OSError: the shared folder can't be written.
    """
    keys = Keyring((*settings.apikey, *settings.apikey_file), files.state / FILE_NAME)
    inputs, secret = InputStore(files.state / "inputs"), load_or_create_secret(files.state / "link_secret")
    outbound = OutboundClient(AddressPolicy(settings.allow_private_urls))
    find_image = partial(find_reference, files.outputs, inputs)
    worker = NoWorker(ClusterCatalog(nodes), find_image, files.relative, files.remove)
    journal = FileJournal(files.state / "unfinished")
    options = _options(settings, keys, files)
    services = build_task_services(worker, repository, EventBus(), journal, inputs, outbound, options)
    tools = NoTools()
    security = Security(
        keys,
        NoLogin(),
        UrlSigner(secret, settings.link_ttl, keys.needed),
        Tokens(secret, keys.named),
        Sessions(services.sessions, keys.named, secret),
        settings.api_cors,
        is_exposed(settings),
    )
    context = Context(
        ClusterHost(nodes, tools, tools, files.outputs),
        services,
        inputs,
        security,
        settings.base_url,
        outbound,
        Renditions(DiskCache(files.state / "thumbnails")),
        settings.compat,
        has_dashboard=not settings.no_dashboard,
    )
    return Gateway(_protected(create_api(context), settings), services, context)


def _options(settings: Settings, keys: Keyring, files: SharedFolder) -> TaskOptions:
    webhooks = WebhookSettings(
        settings.webhook_url, settings.webhook_secret, settings.webhook_retry_seconds, settings.webhook_timeout
    )
    admission = Admission(keys.named, lambda: free_bytes(files.outputs()))
    return TaskOptions(
        settings.max_pending,
        webhooks,
        RetentionPolicy(settings.keep_days, settings.keep_count),
        admission=admission,
        load=lambda: machine_load(files.outputs()),
    )


def _protected(api: AsgiApp, settings: Settings) -> AsgiApp:
    trust = TrustedOrigins(settings.listen, settings.base_url, settings.api_cors, lambda: None)
    return OriginForm(ErrorShapes(CrossOriginProtection(trust, api), error_shapes(settings.compat)))
