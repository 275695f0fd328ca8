"""The processes of the cluster as the API shows them."""

from __future__ import annotations

import threading
import time
from typing import cast

from ...db.repository import Repository
from ...db.statements.cluster import raw
from ...tasks.overview.nodes import Node, NodeState
from .caretaker import APPLICATION, CARETAKER_LOCK
from .registry import NodeRecord, Registry

FORGOTTEN_S = 86_400.0
"""Seconds after which a process that has ended is not listed any more."""
READ_S = 1.0
"""Seconds for which a list is remembered: many pages may ask for it."""


class NodeList:
    """Implements `tasks.overview.nodes.Nodes`."""

    def __init__(self, repository: Repository, registry: Registry) -> None:
        self._repository = repository
        self._registry = registry
        self._known: tuple[float, list[Node]] = (-READ_S, [])
        self._lock = threading.Lock()

    def all(self) -> list[Node]:
        with self._lock:
            at, nodes = self._known
            if time.monotonic() - at >= READ_S:
                nodes = self._repository.read(self._read)
                self._known = time.monotonic(), nodes
            return nodes

    def latest(self) -> list[Node]:
        return [self._shown(node, None) for node in self._registry.latest if node.seen_s < FORGOTTEN_S]

    def _read(self) -> list[Node]:
        held = raw.value(
            self._repository.database,
            "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory' "
            "AND classid = 0 AND objid = %s AND granted AND datname = current_database()",
            (CARETAKER_LOCK,),
        )
        caretaker = None if held is None else str(held).removeprefix(f"{APPLICATION} ")
        return [self._shown(node, caretaker) for node in self._registry.read() if node.seen_s < FORGOTTEN_S]

    def _shown(self, record: NodeRecord, caretaker: str | None) -> Node:
        return Node(
            name=record.name,
            role=record.role,
            state=cast(NodeState, record.state),
            version=record.version,
            started_at=record.started_at,
            seen_s=record.seen_s,
            url=record.url,
            card=record.card,
            loaded=record.loaded,
            progress=record.progress,
            is_caretaker=record.name == caretaker,
            is_own=record.name == self._registry.name,
        )
