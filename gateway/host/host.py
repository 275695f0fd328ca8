"""The nodes of a cluster as the one object that the API gets in place of a running Fooocus."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...tasks.ports.host_status import HostStatus
from ...tasks.ports.prompts import Prompts
from ...tasks.ports.tools import Tools
from .arguments import ClusterArguments
from .catalog import ClusterCatalog
from .nodes import Nodes
from .presets import ClusterPresets

NO_NODE = "no node of the cluster has been here yet; start Fooocus with --cluster and this --api-db"
NONE_SERVING = "no node of the cluster takes tasks now, so that they wait; see /v1/nodes, then start a node"
VERSIONS = {"fooocus_version": "", "gradio_version": "", "arguments": 0}


class ClusterHost:
    """Implements `api.context.Host` on the rows of the nodes.

    Args:
        tools: the tools, which run on a node.
        output_folders: returns the folders of generated images that this process can read.
    """

    def __init__(self, nodes: Nodes, tools: Tools, prompts: Prompts, output_folders: Callable[[], list[Path]]) -> None:
        self.catalog = ClusterCatalog(nodes)
        self.presets = ClusterPresets(nodes)
        self.arguments = ClusterArguments(nodes)
        self.tools = tools
        self.prompts = prompts
        self._nodes = nodes
        self._output_folders = output_folders

    def output_folders(self) -> list[Path]:
        return self._output_folders()

    def status(self) -> HostStatus:
        """Return the state of all nodes together: one that serves is enough. Without one, tasks wait."""
        known, serving = self._nodes.all(), self._nodes.serving()
        is_known = any(one.catalogue is not None for one in known)
        has_model = any(one.has_model for one in serving)
        return HostStatus(None if is_known else NO_NODE, bool(serving), has_model, bool(serving), NONE_SERVING)

    def info(self) -> dict[str, Any]:
        known = self._nodes.catalogue()["info"]
        versions = {name: known.get(name, missing) for name, missing in VERSIONS.items()}
        return {**versions, "python_version": platform.python_version(), "webui": False, "patched": {}}
