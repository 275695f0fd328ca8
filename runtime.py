"""Composition root of the second phase: builds every object once the WebUI is built, when all host modules are imported."""

from __future__ import annotations

import atexit
import contextlib
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from . import __version__
from .adapters.host import FooocusHost
from .adapters.inspection.task_signature import UnknownSignature
from .adapters.instrumentation import Instrumentation
from .adapters.machine_load import card_name, gpu_memory_used
from .adapters.models.catalog import FooocusCatalog
from .adapters.models.model_folders import FooocusModelFolders
from .adapters.models.runs import FooocusRuns
from .adapters.models.tools import FooocusTools
from .adapters.saving.output_files import OutputFiles, output_folders
from .adapters.startup.console_close import ConsoleClose
from .adapters.startup.exposure_warnings import is_exposed, warnings
from .adapters.startup.freed_memory import release_freed_memory
from .adapters.startup.node_names import node_name
from .adapters.task_args.mapping import ArgumentMapper, read_arguments
from .adapters.worker.engine import FooocusEngine, Lookups
from .adapters.worker.task_overrides import ImageRecords
from .adapters.worker.worker import TaskHandling
from .api.context import Context, ImageStores, Security
from .api.info import info_of
from .api.responses.unavailable import Unavailable
from .api.security.authentication import AuthenticationMiddleware
from .api.security.open_paths import OPEN_PATHS
from .asgi.late import LateApp
from .asgi.types import AsgiApp
from .auth.keyring import Keyring
from .auth.keys import FILE_NAME
from .auth.signed_urls import UNSIGNED, UrlSigner, load_or_create_secret
from .auth.tokens import Tokens
from .db.connection import DatabaseProblem
from .db.membership import Membership
from .db.repository import Repository
from .db.writer import DatabaseUnavailable
from .files.free_space import free_bytes
from .images.depot.depot import DepotProblem
from .images.renditions.disk_cache import DiskCache
from .images.renditions.renditions import Renditions
from .images.storage.file_journal import FileJournal
from .images.storage.input_store import InputStore
from .images.storage.places import ImagePlaces, OwnPlaces
from .outbound.address_policy import AddressPolicy
from .outbound.client import OutboundClient
from .outbound.streaming import StreamClient
from .running_api import Runtime as Runtime
from .runtime_options import random_state, recorded_names, scheduler, task_options
from .tasks.batches.admission import ROWS_OF_ONE, Admission
from .tasks.build import TaskServices, build_task_services
from .tasks.lifecycle.collector_pause import paused_collector
from .tasks.model.active_tasks import ActiveTasks
from .tasks.model_files.build import ModelFileOptions, ModelFileServices, build_model_files
from .tasks.overview.nodes import Process
from .tasks.storage.sessions import Sessions
from .tasks.storage.shared_secrets import key_row

if TYPE_CHECKING:
    from .cluster_runtime import ClusterShare

log = logging.getLogger("fooocus_api")


class Unsupported(Exception):
    """The API can't work with this host; the message gives the reason."""


def build_runtime(parts: Instrumentation) -> Runtime:
    """Build the API.

    Its routes follow once the WebUI is served. After an error, the API answers every request with the problem: with a 404, a
    client would look for its own mistake.
    """
    builder = _Builder(parts)
    try:
        return builder.build()
    except Exception as error:
        return builder.failed(error)


class _Builder:
    """The objects of one build, in the order in which they depend on each other."""

    def __init__(self, parts: Instrumentation) -> None:
        self._parts = parts
        self._settings = parts.settings()
        self._tools = FooocusTools(parts.worker)
        self._policy = AddressPolicy(self._settings.allow_private_urls)
        self._outbound = OutboundClient(self._policy)
        self._state = output_folders()[-1] / ".fooocus_api"
        self._renditions = Renditions(DiskCache(self._state / "thumbnails"))
        self._repository: Repository | None = None
        self._key_row = key_row(self._opened) if self._settings.cluster else None
        fixed = (*self._settings.apikey, *self._settings.apikey_file)
        self._keys = Keyring(fixed, self._key_row or self._state / FILE_NAME)
        self._share: ClusterShare | None = None
        self._services: TaskServices | None = None

    def build(self) -> Runtime:
        """Return the API; on an unsupported host it serves no tasks."""
        settings, login = self._settings, self._parts.login
        self._parts.logs.configure(settings.log_level, as_json=settings.log_json)
        inputs = InputStore(self._state / "inputs")
        arguments, problem = None, None
        try:
            arguments = self._read_arguments()
            self._repository = self._open()
            if settings.cluster:
                self._share = share = self._join(self._repository)
                inputs = share.parts.inputs
            self._services = self._start_service(arguments, inputs, self._repository)
        except Unsupported as error:
            problem = str(error)
            self._parts.bus.start()  # without subscribers, but the worker's events must not pile up
            _announce_problem(problem)
        # After the history is open, as it may have the keys.
        for warning in warnings(settings, login=login.needed, keys=self._keys.needed()):
            print(f"[Fooocus API] Warning: {warning}", flush=True)
        secret = (
            load_or_create_secret(self._state / "link_secret") if self._share is None else self._share.parts.link_secret
        )
        links = UrlSigner(secret, settings.link_ttl, self._keys.needed)
        tokens = Tokens(secret, self._keys.named)
        stored = self._services.sessions if self._services is not None else None
        sessions = Sessions(stored, self._keys.named, secret, is_shared=self._share is not None)
        security = Security(self._keys, login, links, tokens, sessions, settings.api_cors, is_exposed(settings))
        host = self._host(arguments, problem)
        context = Context(
            host,
            self._services,
            ImageStores(inputs, self._renditions, None if self._share is None else self._share.parts.places),
            security,
            settings.base_url,
            self._outbound,
            settings.compat,
            has_dashboard=not settings.no_dashboard,
            api_port=settings.api_port,
        )
        return Runtime(
            LateApp(partial(_build_routes, context), self._unavailable), self._services, context, self._share
        )

    def failed(self, error: Exception) -> Runtime:
        """Return an API that answers every request but `/v1/info` with the problem."""
        if self._services is None:
            with contextlib.suppress(RuntimeError):  # already started; if not, events would pile up
                self._parts.bus.start()
        app = self._unavailable(error)
        return Runtime(LateApp(lambda: app, self._unavailable), self._services)

    def _unavailable(self, error: Exception) -> AuthenticationMiddleware:
        log.error("API not built; Fooocus continues without it", exc_info=error)
        problem = f"the API could not be built ({type(error).__name__}); see Fooocus's console for the traceback"
        _announce_problem(problem)
        app = Unavailable(partial(info_of, self._host(None, problem), None), problem)
        return AuthenticationMiddleware(
            app, keys=self._keys, login=self._parts.login, links=UNSIGNED, open_paths=OPEN_PATHS
        )

    def _host(self, arguments: ArgumentMapper | None, problem: str | None) -> FooocusHost:
        has_webui = not self._settings.nowebui
        return FooocusHost(
            self._parts.worker, self._tools, self._parts.patches, arguments, has_webui=has_webui, problem=problem
        )

    def _read_arguments(self) -> ArgumentMapper:
        """Return the order of AsyncTask's arguments.

        Raises:
            Unsupported: the order is unknown, or a host module could not be patched.
        """
        patches = self._parts.patches
        try:
            arguments = read_arguments(self._parts.checkout)
        except UnknownSignature as error:
            raise Unsupported(f"this Fooocus is not supported: {error}") from error
        patches.settle()
        if patches.problems:
            raise Unsupported("; ".join(f"{module}: {text}" for module, text in patches.problems.items()))
        return arguments

    def _opened(self) -> Repository:
        """Return the open history.

        Raises:
            DatabaseUnavailable: it is not open yet.
        """
        if self._repository is None:
            raise DatabaseUnavailable("the history is not open yet")
        return self._repository

    def _open(self) -> Repository:
        """Open the history.

        Raises:
            Unsupported: it can't be used.
        """
        settings = self._settings
        membership = Membership(node_name(settings), settings.node_timeout) if settings.cluster else None
        try:
            return Repository(settings.api_db or self._state / "tasks.sqlite3", membership)
        except DatabaseProblem as error:
            raise Unsupported(str(error)) from error

    def _join(self, repository: Repository) -> ClusterShare:
        """Return this process's share in the cluster. It is imported with the flag alone.

        Raises:
            Unsupported: a package is missing, or the images or the database can't be used.
        """
        try:
            from .cluster_runtime import ClusterShare
        except ImportError as error:
            reason = f"--cluster needs a package that is missing ({error.name}); run install.py with --cluster"
            raise Unsupported(reason) from error
        try:
            return ClusterShare(self._settings, repository, self._parts.image_log, self._renditions, self._key_row)
        except (DepotProblem, DatabaseUnavailable) as error:
            raise Unsupported(str(error)) from error

    def _start_service(self, arguments: ArgumentMapper, inputs: InputStore, repository: Repository) -> TaskServices:
        """Build the domain and start it.

        Raises:
            Unsupported: the history can't be used.
        """
        parts, settings, share = self._parts, self._settings, self._share
        journal = FileJournal(self._state / "unfinished")
        try:
            places: ImagePlaces = OwnPlaces(output_folders, inputs) if share is None else share.parts.places
            lookups = Lookups(places, partial(random_state, repository))
            forget = self._renditions.forget
            files = OutputFiles(parts.worker.saves, parts.image_log, journal, places, forget)
            engine = FooocusEngine(parts.worker, arguments, lookups, files)
            process = Process(node_name(settings), __version__, card_name(), self._tools.has_started)
            options = task_options(
                settings,
                Admission(self._keys.named, lambda: free_bytes(output_folders()), self._rows_of_batch),
                process,
            )
            cluster = None if share is None else share.cluster(parts.bus.emit, engine, self._tools)
            options = options if share is None else share.completed(options)
            services = build_task_services(
                engine, repository, parts.bus, journal, inputs, self._outbound, options, FooocusRuns(), cluster
            )
            services = replace(services, model_files=self._model_files(services.active))
            recorded = partial(recorded_names, services, places)
            parts.overrides.attach(ImageRecords(journal.record, recorded, output_folders))
            describe, prepare = arguments.describe, self._tools.prepare_for
            freed = cluster.freed if cluster is not None else lambda: None
            parts.worker.attach(TaskHandling(scheduler(settings), describe, prepare, saves_later=True, freed=freed))
            services.start()
        except DatabaseUnavailable as error:
            parts.overrides.attach(ImageRecords())
            parts.worker.attach(TaskHandling())
            raise Unsupported(str(error)) from error
        # After torch: Windows calls the newest handler first, and the one of Intel's runtime ends the process.
        ConsoleClose(services.end_subscriptions, services.close).install(parts.patches)
        parts.patches.on_uninstall(services.close)
        atexit.register(services.close)
        if services.model_files is not None:
            services.model_files.downloads.watchers.listen(services.overview.announcements.download)
            services.model_files.downloads.recover()
        services.metrics.gauge("gpu_memory_used_bytes", "Memory of the GPU in use.", gpu_memory_used)
        return services

    def _rows_of_batch(self) -> int:
        return ROWS_OF_ONE if self._share is None else self._share.rows_of_batch()

    def _model_files(self, active: ActiveTasks) -> ModelFileServices:
        settings, client = self._settings, StreamClient(self._policy)
        options = ModelFileOptions(settings.model_disk_reserve, settings.allow_pickle_models)
        return build_model_files(FooocusModelFolders(FooocusCatalog()), client, active, options)


def _build_routes(context: Context) -> AsgiApp:
    """Return the API. The import takes as long as all else, so it is left until the WebUI is served."""
    with paused_collector():
        from .api.app import create_api

        api = create_api(context)
    release_freed_memory()
    return api


def _announce_problem(problem: str) -> None:
    print(f"[Fooocus API] {problem}. The WebUI is not affected.", flush=True)
