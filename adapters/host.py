"""The running Fooocus as the one object that the API gets."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from ..tasks.ports.host_arguments import Bounds, HostField
from ..tasks.ports.host_status import HostStatus
from .host_modules import loaded_module
from .models.catalog import FooocusCatalog
from .models.memory import model_loaded
from .models.presets import FooocusPresets
from .models.prompts import FooocusPrompts
from .models.tools import FooocusTools
from .patching.hooks import Patches
from .saving.output_files import output_folders
from .task_args.mapping import ArgumentMapper
from .worker.worker import Worker


class NoArguments:
    """Arguments of a host whose AsyncTask could not be read: no defaults, no bounds, no fields."""

    names: tuple[str, ...] = ()

    def default(self, field: str) -> None:
        return None

    def list_sizes(self) -> dict[str, int]:
        return {}

    def bounds(self, field: str, key: str | None = None) -> Bounds:
        return Bounds()

    def choices(self, wire_name: str, item_field: str | None = None) -> None:
        return None

    def extra_fields(self, taken: set[str]) -> dict[str, HostField]:
        return {}


class FooocusHost:
    """Implements `api.context.Host` on a running host."""

    def __init__(
        self,
        worker: Worker,
        tools: FooocusTools,
        patches: Patches,
        arguments: ArgumentMapper | None,
        *,
        has_webui: bool = True,
        problem: str | None = None,
    ) -> None:
        """Store the dependencies.

        Args:
            arguments: None if they could not be read.
            has_webui: whether the WebUI is served as well.
            problem: the reason why the API can't use this host, None if it can.
        """
        self.arguments = arguments or NoArguments()
        self.catalog = FooocusCatalog(self.arguments)
        self.presets = FooocusPresets()
        self.tools = tools
        self.prompts = FooocusPrompts(worker)
        self._worker = worker
        self._patches = patches
        self._has_webui = has_webui
        self._problem = problem

    def output_folders(self) -> list[Path]:
        return output_folders()

    def status(self) -> HostStatus:
        return HostStatus(self._problem, self._worker.alive(), model_loaded(), self.tools.has_started())

    def info(self) -> dict[str, Any]:
        return {
            "fooocus_version": getattr(loaded_module("fooocus_version"), "version", ""),
            "python_version": platform.python_version(),
            "gradio_version": metadata.version("gradio"),
            "webui": self._has_webui,
            "arguments": len(self.arguments.names),
            "patched": self._patches.report(),
        }
