"""The composition root: wires the rooms together and into a Fooocus. No logic, and no side effect at import.

`install(checkout)` is called by the start-up hook before Fooocus parses its flags; run as a script this file does the
same and then starts Fooocus: `python extensions/fooocus_api/extension.py [launch flags]`. With the name of a command it does
that instead: `extension.py import PATH`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import logging
import os
import platform
import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

log = logging.getLogger("fooocus_api")

if TYPE_CHECKING:
    from .adapters.arguments import Settings
    from .adapters.server import AsgiApp
    from .adapters.worker import Described
    from .api.context import Context
    from .tasks.inputs import InputStore
    from .tasks.outbound import Outbound
    from .tasks.service import TaskService

HOME = Path(__file__).resolve().parent
CHECKOUT_VARIABLE = "FOOOCUS_API_CHECKOUT"
"""Environment variable that names the Fooocus to start, for an extension that does not lie in its `extensions` folder."""


FEATURES = [
    *("text-to-image", "vary", "upscale", "inpaint", "outpaint", "image-prompt", "enhance", "presets"),
    *("stream", "binary", "async", "stop", "skip", "describe", "mask", "unload"),
    *("history", "recovery", "idempotency", "retention", "webhooks", "keys"),
]


class Extension:
    """All parts of one running extension."""

    def __init__(self, checkout: Path) -> None:
        from .adapters.catalog import FooocusCatalog
        from .adapters.console_close import ConsoleClose
        from .adapters.hooks import Hooks
        from .adapters.image_log import ImageLog
        from .adapters.logs import Logs
        from .adapters.overrides import Overrides
        from .adapters.server import Server
        from .adapters.web_files import WebFiles
        from .adapters.worker import Worker
        from .api.paths import PATHS, is_misspelt
        from .tasks.bus import EventBus

        self.checkout = checkout
        self.hooks = Hooks()
        self.logs = Logs()
        self.bus = EventBus()
        self.worker = Worker(self.bus, self._describe)
        self.overrides = Overrides(self.worker)
        self.image_log = ImageLog()
        self.catalog = FooocusCatalog()
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
            WebFiles(checkout),
        )
        self.console_close = ConsoleClose(self._leave, self._close)
        self.arguments: Any = None
        self.problem: str | None = None

    def install(self) -> None:
        """Wait for the host's modules and patch each as it is imported."""
        from .adapters import proactor
        from .adapters.arguments import add_flags
        from .adapters.console_text import take_any_text
        from .adapters.open_files import allow_more

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
        from .adapters.arguments import read_settings

        return read_settings(sys.modules["args_manager"].args)

    def _describe(self, task: Any) -> Described:
        """What is recorded of a task that came through the WebUI: its parameters, and its images if it uses any."""
        if self.arguments is None:
            return {}, {}
        return self.arguments.named(task.args), self.arguments.pictures(task.args)

    def _build_service(self, state: Path, inputs: InputStore) -> TaskService | None:
        """The service, or None with `problem` saying why there can't be one."""
        from .adapters.engine import FooocusEngine, output_folders
        from .adapters.parameters import read_arguments
        from .adapters.signature import UnknownSignature
        from .api.images import find_reference
        from .db.connection import DatabaseProblem
        from .db.repository import Repository
        from .db.writer import DatabaseUnavailable
        from .tasks.claims import Claims
        from .tasks.removal import Limits
        from .tasks.service import TaskService
        from .tasks.webhooks import WebhookSettings

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
        claims = Claims(state / "unfinished")
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
        # After torch: Windows calls the newest handler first, and that of Intel's runtime ends the process.
        self.console_close.install(self.hooks)
        self.hooks.on_uninstall(service.close)
        atexit.register(service.close)
        service.removal.keep_to(Limits(settings.keep_days, settings.keep_count))
        return service

    def _outbound(self) -> Outbound:
        """Asks the servers that clients name, where that is allowed."""
        from .tasks.addresses import AddressPolicy
        from .tasks.outbound import Outbound

        return Outbound(AddressPolicy(self._settings().allow_private_urls))

    def _guard(self, app: AsgiApp, *, webui: bool = False) -> AsgiApp:
        """What stands in front of the API, or of the WebUI: `--api-cors` lets nobody use that."""
        from .api.guard import Guard, Trust

        settings = self._settings()
        origins = None if webui else settings.api_cors
        trust = Trust(settings.listen, settings.base_url, origins, lambda: self.server.shared)
        return Guard(trust, app)

    def _outermost(self, app: AsgiApp) -> AsgiApp:
        from .api.target import OriginForm

        return OriginForm(app)

    def _refuse(self, status: int, reason: str) -> AsgiApp:
        from .api.errors import problem_response

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
        """Build the API when the WebUI is built and about to be served: the host is all there.

        What goes wrong is the API's answer to every request: a client that gets 404 would look for its own fault.
        """
        try:
            return self._built_api()
        except Exception as error:
            log.exception("the API could not be built; Fooocus goes on without it")
            self.problem = f"the API could not be built: {type(error).__name__}; Fooocus's console says where"
            print(f"[Fooocus API] {self.problem}. The WebUI works as always.", flush=True)
            if self.service is None:
                with contextlib.suppress(RuntimeError):  # started already; else the worker's events would pile up
                    self.bus.start()
            return self._unavailable(self.problem)

    def _unavailable(self, reason: str) -> AsgiApp:
        from .adapters.engine import output_folders
        from .api.auth import Doorkeeper
        from .api.links import UNSIGNED
        from .api.routes.health import OPEN_PATHS
        from .api.unavailable import Unavailable
        from .tasks.keys import FILE_NAME, Keyring

        keys = Keyring(self._settings().apikeys, output_folders()[-1] / ".fooocus_api" / FILE_NAME)
        app = Unavailable(lambda: self._info(None), reason)
        return Doorkeeper(app, keys=keys, login=self.server.login, links=UNSIGNED, open_paths=OPEN_PATHS)

    def _built_api(self) -> AsgiApp:
        from .adapters.engine import output_folders
        from .adapters.exposure import warnings
        from .adapters.memory import Start, gpu_memory_used, model_loaded
        from .adapters.presets import FooocusPresets
        from .adapters.tools import FooocusTools
        from .api.app import create_api
        from .api.context import Context
        from .api.links import Links, kept_secret
        from .api.tokens import Tokens
        from .tasks.host_field import Bounds
        from .tasks.inputs import InputStore
        from .tasks.keys import FILE_NAME, Keyring

        settings, login = self._settings(), self.server.login
        self.logs.configure(settings.log_level, as_json=settings.log_json)
        state = output_folders()[-1] / ".fooocus_api"
        inputs, keys = InputStore(state / "inputs"), Keyring(settings.apikeys, state / FILE_NAME)
        start, secret = Start(), kept_secret(state / "link_secret")
        for warning in warnings(settings, login=login.needed, keys=keys.needed()):
            print(f"[Fooocus API] Warning: {warning}", flush=True)
        service = self.service = self._build_service(state, inputs)
        if service is None:
            self.bus.start()  # nobody listens, but what the worker tells must not pile up
            print(f"[Fooocus API] {self.problem}. The WebUI works as always.", flush=True)
        else:
            service.meter.gauge("gpu_memory_used_bytes", "Memory of the GPU in use.", gpu_memory_used)
        context = Context(
            service=service,
            tools=FooocusTools(self.worker, start) if service else None,
            catalog=self.catalog,
            presets=FooocusPresets(),
            default=self.arguments.default if self.arguments else lambda _: None,
            places=self.arguments.places if self.arguments else dict,
            bounds=self.arguments.bounds if self.arguments else lambda *_: Bounds(),
            extra_fields=self.arguments.extra_fields if self.arguments else lambda _: {},
            output_folders=output_folders,
            inputs=inputs,
            info=lambda: self._info(service),
            problem=lambda: self.problem,
            worker_alive=self.worker.alive,
            model_loaded=model_loaded,
            has_started=start.is_over,
            keys=keys,
            login=login,
            base_url=settings.base_url,
            links=Links(secret, settings.link_ttl, keys.needed),
            tokens=Tokens(secret, keys.named),
            api_cors=settings.api_cors,
            outbound=self._outbound(),
        )
        self.context = context
        return create_api(context)

    def _info(self, service: Any) -> dict[str, Any]:
        from . import __version__

        problem = self.problem
        if problem is None and not self.worker.alive():
            problem = "Fooocus's worker thread is not running"
        return {
            "name": "Fooocus API",
            "version": __version__,
            "fooocus_version": sys.modules["fooocus_version"].version,
            "python_version": platform.python_version(),
            "gradio_version": metadata.version("gradio"),
            "supported": self.problem is None,
            "problem": problem,
            "webui": not self._settings().nowebui,
            "worker_alive": self.worker.alive(),
            "arguments": len(self.arguments.names) if self.arguments else 0,
            "features": FEATURES if service else [],
            "patched": self.hooks.report(),
            "tasks": service.counts() if service else {"pending": 0, "running": 0},
        }


_installed: Extension | None = None


def install(checkout: Path) -> Extension:
    """Hook into the Fooocus in `checkout`, before it imports `args_manager`. A second call changes nothing."""
    global _installed
    if _installed is None:
        _installed = Extension(checkout.resolve())
        _installed.install()
    return _installed


def uninstall() -> None:
    """Give the running host back what it had."""
    global _installed
    if _installed is not None:
        _installed.hooks.uninstall()
        _installed = None


def main(flags: list[str]) -> None:
    """Start Fooocus with the extension, hook or no hook, or run a command. Flags are Fooocus's own and ours.

    Raises:
        SystemExit: there is no Fooocus to start, or a command is done.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HOME]  # `api`, `db` … stay ours
    from .commands import COMMANDS

    if flags and flags[0] in COMMANDS:
        from .commands import cli

        sys.exit(cli.run(flags, lambda: find_checkout(HOME / "demo")))
    checkout = find_checkout()
    sys.path.insert(0, str(checkout))
    sys.argv = [str(checkout / "launch.py"), *flags]
    os.chdir(checkout)
    install(checkout)
    import launch  # type: ignore[import-not-found]  # noqa: F401  # serves until it is told to stop


def find_checkout(*others: Path) -> Path:
    """Return the Fooocus named by FOOOCUS_API_CHECKOUT, else the one this extension lies in, else the first of `others`.

    Raises:
        SystemExit: there is none.
    """
    named = os.environ.get(CHECKOUT_VARIABLE)
    candidates = [Path(named)] if named else [*HOME.parents, *others]
    for candidate in candidates:
        if (candidate / "launch.py").is_file() and (candidate / "fooocus_version.py").is_file():
            return candidate.resolve()
    where = named or f"{HOME} or any folder above it"
    sys.exit(f"[Fooocus API] There is no Fooocus in {where}. Install into one with: python install.py /path/to/Fooocus")


def _load_as_package() -> Any:
    """This folder as `fooocus_api`, whatever it is called."""
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
