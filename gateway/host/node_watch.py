"""The nodes of the cluster as this process saw them last, read again and again on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ...cluster.nodes.registry import Registry
from ...db.repository import Repository
from ...db.writer import DatabaseUnavailable
from .nodes import KnownNode

log = logging.getLogger("fooocus_api.cluster")

INTERVAL_S = 2.0
"""Seconds between two looks at the nodes' rows."""


class NodeWatch:
    """Reads the nodes' rows, and a node's catalogue once its digest has changed. Requests never wait for it."""

    def __init__(self, repository: Repository, registry: Registry, changed: Callable[[], None]) -> None:
        """Prepare the thread.

        Args:
            changed: is called after each look that has found another catalogue, never twice at a time. If it raises, it is
                called again after the next look.
        """
        self._repository = repository
        self._registry = registry
        self._changed = changed
        self._known: Sequence[KnownNode] = ()
        self._catalogues: dict[str, tuple[str, dict[str, Any] | None]] = {}
        self._is_behind = False
        self._has_failed = False
        self._looking = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-nodes", daemon=True)

    def known(self) -> Sequence[KnownNode]:
        """Return the nodes as of the last look, by their names."""
        return self._known

    def start(self) -> None:
        """Start to look."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()

    def look(self) -> None:
        """Look now.

        Raises:
            DatabaseUnavailable: the rows can't be read.
        """
        with self._looking:
            self._is_behind = self._look() or self._is_behind
            if self._is_behind:
                self._is_behind = not self._pass_on()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.look()
            except DatabaseUnavailable:
                pass  # the next look is soon
            except Exception:
                log.exception("nodes not read")
            self._closing.wait(INTERVAL_S)

    def _pass_on(self) -> bool:
        """Return whether `changed` has ended well. A failure is not the client's whose request has this process look."""
        try:
            self._changed()
        except Exception:
            if not self._has_failed:
                log.exception("API not built for what the nodes offer; trying again with each look at them")
            self._has_failed = True
            return False
        self._has_failed = False
        return True

    def _look(self) -> bool:
        """Read the rows, and return whether there is another catalogue than before."""
        nodes = [one for one in self._repository.read(self._registry.read) if one.role == "node"]
        has_changed = False
        for one in nodes:
            if one.digest and self._catalogues.get(one.name, ("", None))[0] != one.digest:
                content = self._repository.read(lambda name=one.name: self._registry.catalogue(name))  # type: ignore[misc]
                self._catalogues[one.name] = one.digest, content
                has_changed = True
        self._known = [
            KnownNode(one.name, one.is_serving, bool(one.loaded), self._catalogues.get(one.name, ("", None))[1])
            for one in nodes
        ]
        return has_changed
