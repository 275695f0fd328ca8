"""The application of a gateway: the reason for its waiting until a node is known, then the API with what the nodes offer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from ..asgi.types import AsgiApp, Scope
from .host.nodes import Nodes

log = logging.getLogger("fooocus_api.cluster")


class WaitingApp:
    """Serves `substitute` until `look` has found what tasks may use at a node. An argument of a task is part of the API's models
    and schema: it is built again when those change, while names are looked up with each request."""

    def __init__(self, nodes: Nodes, build: Callable[[], AsgiApp], substitute: AsgiApp) -> None:
        """Prepare the application.

        Args:
            build: returns the API. Slow.
        """
        self._nodes = nodes
        self._build = build
        self._app = substitute
        self._built_for = ""

    @property
    def is_ready(self) -> bool:
        """Return whether the API is served."""
        return bool(self._built_for)

    def look(self) -> None:
        """Build the API if the nodes have other arguments than before. On one thread at a time."""
        if all(one.catalogue is None for one in self._nodes.all()):
            return
        arguments = json.dumps(self._nodes.catalogue()["arguments"], sort_keys=True)
        if arguments != self._built_for:
            self._app = self._build()
            if self._built_for:
                log.info("API built again: the nodes have other arguments")
            self._built_for = arguments

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)
