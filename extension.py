"""Composition root: wires the packages together and into a Fooocus. No logic, and no side effect at import.

The startup hook calls `install(checkout)` before Fooocus parses its flags; run as a script, this file does the same and then
starts Fooocus: `python extensions/fooocus_api/extension.py [launch flags]`. With the name of a command it runs that instead:
`extension.py import PATH`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import logging
import os
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

log = logging.getLogger("fooocus_api")

if TYPE_CHECKING:
    from .adapters.host import FooocusHost
    from .adapters.startup.launch_flags import Settings
    from .adapters.webui.server import AsgiApp
    from .adapters.worker.worker import Described
    from .api.context import Context
    from .images.input_store import InputStore
    from .outbound.client import OutboundClient
    from .tasks.service import TaskService

HOME = Path(__file__).resolve().parent
CHECKOUT_VARIABLE = "FOOOCUS_API_CHECKOUT"
"""Environment variable that names the Fooocus to start, for an extension outside its `extensions` folder."""


class Extension:
    """All parts of one running extension."""

    def __init__(self, checkout: Path) -> None:
        from .adapters.patching.hooks import Patches
        from .adapters.startup.console_close import ConsoleClose
        from .adapters.startup.console_logging import Logs
        from .adapters.webui.file_access import FileAccess
        from .adapters.webui.server import Server
        from .adapters.worker.image_log import ImageLog
        from .adapters.worker.task_overrides import TaskOverrides
        from .adapters.worker.worker import Worker
        from .api.path_prefixes import PATHS, is_misspelt
        from .tasks.streaming.event_bus import EventBus

        self.checkout = checkout
        self.hooks = Patches()
        self.logs = Logs()
        self.bus = EventBus()
        self.worker = Worker(self.bus, self._describe)
        self.overrides = TaskOverrides(self.worker)
        self.image_log = ImageLog()
        self.service: TaskService | None = None
        self.context: Context | None = None
        self.server = Server(
            PATHS,
            is_misspelt,
            self._build_api,
            self._settings,
            self._serving,
            self._leave,
            self._guard,
            partial(self._guard, webui=True),
            self._outermost,
            self._refuse,
            FileAccess(checkout),
        )
        self.console_close = ConsoleClose(self._leave, self._close)
        self.arguments: Any = None
        self.problem: str | None = None

    def install(self) -> None:
        """Register the patches of the host's modules; each runs when its module is imported."""
        from .adapters.startup.console_text import take_any_text
        from .adapters.startup.launch_flags import add_flags
        from .adapters.startup.open_file_limit import allow_more
        from .adapters.webui import proactor

        self.hooks.on_uninstall(take_any_text())
        self.hooks.on_uninstall(allow_more())
        proactor.install(self.hooks)
        self.server.termination.install(self.hooks)
        self.logs.start()
        self.hooks.on_uninstall(self.logs.stop)
        atexit.register(self.logs.stop)
        self.hooks.when_imported("ldm_patched.modules.args_parser", add_flags)
        self.hooks.when_imported("modules.async_worker", lambda module: self.worker.patch(module, self.hooks))
        self.hooks.when_imported("modules.private_logger", self._patch_private_logger)
        self.hooks.when_imported("modules.util", lambda module: self.overrides.patch_upscale(module, self.hooks))
        self.hooks.when_imported("gradio.routes", lambda module: self.server.patch_routes(module, self.hooks))
        self.hooks.when_imported("gradio.networking", lambda module: self.server.patch_networking(module, self.hooks))
        self.hooks.when_imported("gradio.blocks", lambda module: self.server.patch_blocks(module, self.hooks))

    def _patch_private_logger(self, module: ModuleType) -> None:
        self.image_log.patch(module, self.hooks)
        self.worker.patch_log(module, self.hooks)
        self.overrides.patch_names(module, self.hooks)

    def _settings(self) -> Settings:
        from .adapters.startup.launch_flags import read_settings

        return read_settings(sys.modules["args_manager"].args)

    def _describe(self, task: Any) -> Described:
        """Return the recorded parameters of a task from the WebUI, and its images if it uses any."""
        if self.arguments is None:
            return {}, {}
        return self.arguments.named(task.args), self.arguments.pictures(task.args)

    def _build_service(self, state: Path, inputs: InputStore) -> TaskService | None:
        """Return the service, or None and set `problem` if it can't be built."""
        from .adapters.inspection.task_signature import UnknownSignature
        from .adapters.task_args.mapping import read_arguments
        from .adapters.worker.engine import FooocusEngine, output_folders
        from .db.connection import DatabaseProblem
        from .db.repository import Repository
        from .db.writer import DatabaseUnavailable
        from .images.file_journal import FileJournal
        from .images.library import find_reference
        from .tasks.history.retention import RetentionPolicy
        from .tasks.service import TaskService
        from .tasks.webhooks.delivery import WebhookSettings

        settings = self._settings()
        webhooks = WebhookSettings(
            settings.webhook_url, settings.webhook_secret, settings.webhook_retry_seconds, settings.webhook_timeout
        )
        try:
            self.arguments = read_arguments(self.checkout)
        except UnknownSignature as error:
            self.problem = f"this Fooocus is not supported: {error}"
            return None
        self.hooks.settle()
        if self.hooks.problems:
            self.problem = "; ".join(f"{module}: {text}" for module, text in self.hooks.problems.items())
            return None
        schedule = self.worker.schedule
        schedule.fifo = settings.schedule == "fifo"
        schedule.most_overtakes, schedule.most_seconds = settings.max_overtakes, settings.max_overtake_seconds
        claims = FileJournal(state / "unfinished")
        engine = FooocusEngine(
            self.worker, self.arguments, partial(find_reference, output_folders, inputs), self.image_log, claims
        )
        try:
            repository = Repository(settings.api_db or state / "tasks.sqlite3")
            service = TaskService(
                engine, repository, self.bus, claims, inputs, settings.max_pending, webhooks, self._outbound()
            )
            self.overrides.claim, self.overrides.recorded = claims.claim, service.ownership.recorded
            self.overrides.folders = output_folders
            service.start()
        except (DatabaseProblem, DatabaseUnavailable) as error:
            self.problem = str(error)
            return None
        # After torch: Windows calls the newest handler first, and the one of Intel's runtime ends the process.
        self.console_close.install(self.hooks)
        self.hooks.on_uninstall(service.close)
        atexit.register(service.close)
        service.removal.keep_to(RetentionPolicy(settings.keep_days, settings.keep_count))
        return service

    def _outbound(self) -> OutboundClient:
        """Return the client for requests to servers that API clients name, limited to allowed addresses."""
        from .outbound.address_policy import AddressPolicy
        from .outbound.client import OutboundClient

        return OutboundClient(AddressPolicy(self._settings().allow_private_urls))

    def _guard(self, app: AsgiApp, *, webui: bool = False) -> AsgiApp:
        """Return the app behind its cross-origin protection. The WebUI's ignores `--api-cors`."""
        from .asgi.cross_origin import CrossOriginProtection, TrustedOrigins

        settings = self._settings()
        origins = None if webui else settings.api_cors
        trust = TrustedOrigins(settings.listen, settings.base_url, origins, lambda: self.server.shared)
        return CrossOriginProtection(trust, app)

    def _outermost(self, app: AsgiApp) -> AsgiApp:
        from .asgi.origin_form import OriginForm

        return OriginForm(app)

    def _refuse(self, status: int, reason: str) -> AsgiApp:
        from .asgi.problem import problem_response

        return problem_response(status, reason)

    def _serving(self, url: str) -> None:
        from .api.routes.webhooks import webhook_body

        if self.service is not None and self.context is not None:
            self.service.webhooks.start(partial(webhook_body, self.context, url))

    def _leave(self) -> None:
        if self.service is not None:
            self.service.leave()

    def _close(self, within_s: float) -> None:
        if self.service is not None:
            self.service.close(within_s)

    def _build_api(self) -> AsgiApp:
        """Build the API once the WebUI is built and about to be served: all host modules are imported by then.

        On an error, the API answers every request with the problem: with a 404, a client would look for its own mistake.
        """
        try:
            return self._built_api()
        except Exception as error:
            log.exception("the API could not be built; Fooocus goes on without it")
            self.problem = f"the API could not be built: {type(error).__name__}; Fooocus's console says where"
            print(f"[Fooocus API] {self.problem}. The WebUI works as always.", flush=True)
            if self.service is None:
                with contextlib.suppress(RuntimeError):  # already started; if not, events would pile up
                    self.bus.start()
            return self._unavailable(self.problem)

    def _unavailable(self, reason: str) -> AsgiApp:
        from .adapters.worker.engine import output_folders
        from .api.info import info_of
        from .api.responses.unavailable import Unavailable
        from .api.security.authentication import AuthenticationMiddleware
        from .api.security.open_paths import OPEN_PATHS
        from .auth.keys import FILE_NAME, Keyring
        from .auth.signed_urls import UNSIGNED

        keys = Keyring(self._settings().apikeys, output_folders()[-1] / ".fooocus_api" / FILE_NAME)
        app = Unavailable(partial(info_of, self._host(), None), reason)
        return AuthenticationMiddleware(app, keys=keys, login=self.server.login, links=UNSIGNED, open_paths=OPEN_PATHS)

    def _built_api(self) -> AsgiApp:
        from .adapters.models.memory import gpu_memory_used
        from .adapters.startup.exposure_warnings import warnings
        from .adapters.worker.engine import output_folders
        from .api.app import create_api
        from .api.context import Context, Security
        from .auth.keys import FILE_NAME, Keyring
        from .auth.signed_urls import UrlSigner, load_or_create_secret
        from .auth.tokens import Tokens
        from .images.input_store import InputStore

        settings, login = self._settings(), self.server.login
        self.logs.configure(settings.log_level, as_json=settings.log_json)
        state = output_folders()[-1] / ".fooocus_api"
        inputs, keys = InputStore(state / "inputs"), Keyring(settings.apikeys, state / FILE_NAME)
        secret = load_or_create_secret(state / "link_secret")
        for warning in warnings(settings, login=login.needed, keys=keys.needed()):
            print(f"[Fooocus API] Warning: {warning}", flush=True)
        service = self.service = self._build_service(state, inputs)
        host = self._host()
        if service is None:
            self.bus.start()  # without subscribers, but the worker's events must not pile up
            print(f"[Fooocus API] {self.problem}. The WebUI works as always.", flush=True)
        else:
            service.meter.gauge("gpu_memory_used_bytes", "Memory of the GPU in use.", gpu_memory_used)
            self.worker.before_task = host.tools.prepare_for
        links = UrlSigner(secret, settings.link_ttl, keys.needed)
        security = Security(keys, login, links, Tokens(secret, keys.named), settings.api_cors)
        self.context = Context(host, service, inputs, security, settings.base_url, self._outbound())
        return create_api(self.context)

    def _host(self) -> FooocusHost:
        from .adapters.host import FooocusHost

        has_webui = not self._settings().nowebui
        return FooocusHost(self.worker, self.hooks, self.arguments, has_webui=has_webui, problem=self.problem)


_installed: Extension | None = None


def install(checkout: Path) -> Extension:
    """Hook into the Fooocus in `checkout`, before it imports `args_manager`. A second call changes nothing."""
    global _installed
    if _installed is None:
        _installed = Extension(checkout.resolve())
        _installed.install()
    return _installed


def uninstall() -> None:
    """Undo all changes to the running host."""
    global _installed
    if _installed is not None:
        _installed.hooks.uninstall()
        _installed = None


def main(flags: list[str]) -> None:
    """Start Fooocus with the extension, with or without the hook, or run a command. Flags are Fooocus's and the extension's.

    Raises:
        SystemExit: no Fooocus was found, or a command has finished.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HOME]  # hides its `api`, `db` …
    from .commands import COMMANDS

    if flags and flags[0] in COMMANDS:
        from .commands import cli

        sys.exit(cli.run(flags, lambda: find_checkout(HOME / "demo")))
    checkout = find_checkout()
    sys.path.insert(0, str(checkout))
    sys.argv = [str(checkout / "launch.py"), *flags]
    os.chdir(checkout)
    install(checkout)
    import launch  # type: ignore[import-not-found]  # noqa: F401  # serves until it is stopped


def find_checkout(*others: Path) -> Path:
    """Return the Fooocus named by FOOOCUS_API_CHECKOUT, else the one that contains this extension, else the first of `others`.

    Raises:
        SystemExit: none was found.
    """
    named = os.environ.get(CHECKOUT_VARIABLE)
    candidates = [Path(named)] if named else [*HOME.parents, *others]
    for candidate in candidates:
        if (candidate / "launch.py").is_file() and (candidate / "fooocus_version.py").is_file():
            return candidate.resolve()
    where = named or f"{HOME} or any folder above it"
    sys.exit(f"[Fooocus API] There is no Fooocus in {where}. Install into one with: python install.py /path/to/Fooocus")


def _load_as_package() -> Any:
    """Import this folder as the package `fooocus_api`, regardless of its name."""
    if "fooocus_api" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "fooocus_api", HOME / "__init__.py", submodule_search_locations=[str(HOME)]
        )
        assert spec is not None and spec.loader is not None  # nosec B101  # for mypy, which can't know
        package = importlib.util.module_from_spec(spec)
        sys.modules["fooocus_api"] = package
        spec.loader.exec_module(package)
    return importlib.import_module("fooocus_api.extension")


if __name__ == "__main__":
    _load_as_package().main(sys.argv[1:])
