"""Everything that the extension puts into the host before the WebUI exists: patches, a signal handler and a log handler."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from types import ModuleType

from ..tasks.lifecycle.collector_pause import pause_collector_until
from ..tasks.streaming.event_bus import EventBus
from .host_modules import host_module
from .image_log.image_log import ImageLog
from .inspection.patch_points import (
    ARGS_PARSER,
    ASYNC_WORKER,
    CORE,
    GRADIO_BLOCKS,
    GRADIO_NETWORKING,
    GRADIO_ROUTES,
    PRIVATE_LOGGER,
    UTIL,
)
from .patching.hooks import Patches
from .saving.saves import ImageSaves
from .startup.console_logging import Logs
from .startup.console_text import take_any_text
from .startup.freed_memory import share_heaps
from .startup.launch_flags import Settings, add_flags, read_settings
from .startup.open_file_limit import allow_more
from .startup.termination import Termination
from .webui import proactor
from .webui.application import Application
from .webui.file_access import FileAccess
from .webui.login import WebUILogin
from .webui.server import Server
from .worker.random_state import RandomStates
from .worker.task_overrides import TaskOverrides
from .worker.worker import Worker

MAX_IMPORT_S = 60.0
"""Seconds after which the garbage collector is on again without a worker: a script may import Fooocus's flags alone."""


class Instrumentation:
    """The extension's objects that exist from the start of the process. The runtime attaches to them once the WebUI is built."""

    def __init__(self, checkout: Path, application: Application) -> None:
        self.checkout = checkout
        self.patches = Patches()
        self.logs = Logs()
        self.bus = EventBus()
        self.image_log = ImageLog(lambda: self.worker.is_idle())
        self.saves = ImageSaves(self.bus, self.image_log)
        self.worker = Worker(self.bus, self.saves)
        self.overrides = TaskOverrides(self.worker)
        self.random_states = RandomStates(self.worker)
        self.login = WebUILogin()
        self._termination = Termination()
        self._imported = threading.Event()
        files = FileAccess(checkout, make_page=self.image_log.make_page)
        self._server = Server(application, self.settings, files, self.login, self._termination)

    def install(self) -> None:
        """Prepare this process, and register the patches of the host's modules."""
        share_heaps()
        # Imports make hundreds of thousands of objects that stay: walks over them take the collector a quarter of the time.
        pause = (self._imported, MAX_IMPORT_S)
        threading.Thread(target=pause_collector_until, args=pause, name="fooocus-api-imports", daemon=True).start()
        self.patches.on_uninstall(self._imported.set)
        self.patches.on_uninstall(take_any_text())
        self.patches.on_uninstall(allow_more())
        proactor.install(self.patches)
        self._termination.install(self.patches)
        self.logs.start()
        self.patches.on_uninstall(self.logs.stop)
        atexit.register(self.logs.stop)
        self.register_patches()

    def register_patches(self) -> None:
        """Register the patches of each host module; they run when the host has imported it."""
        self.patches.apply(ARGS_PARSER, _add_flags)
        self.patches.apply(ASYNC_WORKER, lambda *_: self._imported.set(), self.worker.patch)
        logging_steps = (self.saves.patch, self.image_log.patch, self.worker.patch_log, self.overrides.patch_names)
        self.patches.apply(PRIVATE_LOGGER, *logging_steps)
        self.patches.apply(UTIL, self.overrides.patch_upscale)
        self.patches.apply(CORE, self.random_states.patch)
        self.patches.apply(GRADIO_ROUTES, self._server.patch_routes)
        self.patches.apply(GRADIO_NETWORKING, self._server.patch_networking)
        self.patches.apply(GRADIO_BLOCKS, self._server.patch_blocks)

    def settings(self) -> Settings:
        """Return the launch settings. The host has parsed its flags."""
        return read_settings(host_module("args_manager").args)


def _add_flags(args_parser: ModuleType, _: Patches) -> None:
    add_flags(args_parser)
