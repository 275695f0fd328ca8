"""The versions of the extension in a cluster. Those with one schema run together, as in an upgrade of one node after another."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from .registry import NodeRecord

log = logging.getLogger("fooocus_api.cluster")

GONE = ("stopped", "lost", "starting")


class Versions:
    """Warns once of each process that runs with another version than this one."""

    def __init__(self, name: str, version: str) -> None:
        self._name = name
        self._version = version
        self._warned: set[tuple[str, str]] = set()

    def look(self, nodes: Iterable[NodeRecord]) -> None:
        """Look at all processes. On one thread only."""
        for one in nodes:
            known = one.name, one.version
            if one.name == self._name or one.version == self._version or one.state in GONE or known in self._warned:
                continue
            self._warned.add(known)
            values = {"node": one.name, "its_version": one.version, "version": self._version}
            log.warning("another process of the cluster has another version; update all of them", extra=values)
