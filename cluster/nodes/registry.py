"""The rows of the cluster's processes: each writes its own, and all read them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from peewee import Database, fn

from ...db.statements.cluster import raw
from ...db.tables.cluster import NodeRow
from ..jobs.connector import at_once
from ..jobs.task_jobs import TaskJobs

DIGEST_WITHIN = 80
"""Characters at the beginning of a catalogue's text that have its digest: all of it would be much to read again and again."""
DIGEST = '"digest": "([0-9a-f]+)"'
READ_S = 2.0
"""Seconds for which the rows of all processes are remembered."""


@dataclass(frozen=True)
class NodeFacts:
    """The facts that a process writes about itself. `loaded` are the checkpoints in memory, `progress` the percent of its
    running task, by the task's id."""

    state: str = "idle"
    loaded: tuple[str, ...] = ()
    card: str = ""
    progress: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeRecord:
    """A process of the cluster. `seen_s` are the seconds since its last heartbeat, by the database's clock. `digest` is that of
    its catalogue, empty without one."""

    name: str
    role: str
    worker: int | None
    url: str
    version: str
    started_at: int
    seen_s: float
    state: str
    loaded: tuple[str, ...]
    card: str
    progress: dict[str, int]
    digest: str = ""

    @property
    def is_serving(self) -> bool:
        """Return whether it takes tasks."""
        return self.role == "node" and self.state in ("idle", "busy")


class Registry:
    """The processes of the cluster. The functions that write run on the writer's thread, those that read on a reader's."""

    def __init__(self, database: Database, jobs: TaskJobs, name: str, role: str, timeout_s: float) -> None:
        self._database = database
        self._jobs = jobs
        self._name = name
        self._role = role
        self.timeout_s = timeout_s
        """Seconds without a heartbeat after which this process counts as dead. Others have timeouts of their own."""
        self._known: tuple[float, list[NodeRecord]] = (-READ_S, [])
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name of this process."""
        return self._name

    def register(self, url: str, version: str, catalogue: dict[str, Any] | None, facts: NodeFacts) -> None:
        """Write this process's row, with a new id of the engine."""
        now = server_ms(self._database)
        values = {
            **_values(facts),
            "role": self._role,
            "worker": self._jobs.register(),
            "url": url,
            "version": version,
            "started_at": now,
            "seen_at": now,
            "timeout_ms": int(self.timeout_s * 1000),
            "catalogue": None if catalogue is None else json.dumps(catalogue),
        }
        NodeRow.update(values).where(NodeRow.name == self._name).execute()

    def record_heartbeat(self, facts: NodeFacts) -> None:
        """Write a heartbeat."""
        at_once(self._jobs.manager.update_heartbeat(self._jobs.worker))
        values = {**_values(facts), "seen_at": server_ms(self._database)}
        NodeRow.update(values).where(NodeRow.name == self._name).execute()

    def describe(self, url: str, catalogue: dict[str, Any] | None) -> None:
        """Write this process's address and what tasks may use here."""
        text = None if catalogue is None else json.dumps(catalogue)
        NodeRow.update(url=url, catalogue=text).where(NodeRow.name == self._name).execute()

    def leave(self) -> None:
        """Write that this process has stopped."""
        NodeRow.update(state="stopped", loaded="[]", progress=None).where(NodeRow.name == self._name).execute()
        at_once(self._jobs.manager.unregister_worker(self._jobs.worker))

    def note_loaded(self, checkpoint: str) -> None:
        """Write that this node loads a checkpoint, which the others need to know before the next heartbeat."""
        NodeRow.update(loaded=json.dumps([checkpoint])).where(NodeRow.name == self._name).execute()

    def loaded_elsewhere(self) -> set[str]:
        """Return the checkpoints that other living nodes have in memory or load. In a transaction of the writer's thread."""
        rows = raw.rows(
            self._database,
            "SELECT loaded FROM cluster_node WHERE role = 'node' AND state IN ('idle', 'busy') AND name <> %s "
            "AND seen_at >= extract(epoch FROM clock_timestamp()) * 1000 - timeout_ms",
            (self._name,),
        )
        return {names[0] for (text,) in rows if (names := json.loads(text or "[]"))}

    def read(self) -> list[NodeRecord]:
        """Return all processes, by their names. Those that were not seen for long count as `lost`, but none before the database
        was up for that long: no process could write a heartbeat."""
        columns = [field for name, field in NodeRow._meta.fields.items() if name != "catalogue"]
        digest = fn.substring(fn.left(NodeRow.catalogue, DIGEST_WITHIN), DIGEST).alias("digest")
        ((now, up_ms),) = raw.rows(
            self._database,
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, "
            "(extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) * 1000)::bigint",
        )
        rows: Any = NodeRow.select(*columns, digest).order_by(NodeRow.name).dicts()
        return [self._node(row, now, up_ms) for row in rows]

    def catalogue(self, name: str) -> dict[str, Any] | None:
        """Return what tasks may use at a node, None if it has not written that yet."""
        text = NodeRow.select(NodeRow.catalogue).where(NodeRow.name == name).scalar()
        return json.loads(text) if text else None

    def files(self, name: str) -> frozenset[str] | None:
        """Return the names of the model files that tasks may use at a node, by which it claims them; None if it has not written
        them yet."""
        files = (self.catalogue(name) or {}).get("files")  # not in SQL, which refuses texts that a file's name may have
        return None if files is None else frozenset(files)

    def known(self, read: Callable[[Callable[[], list[NodeRecord]]], list[NodeRecord]]) -> list[NodeRecord]:
        """Return the processes as read at most `READ_S` ago. `read` runs a query."""
        with self._lock:
            at, nodes = self._known
            if time.monotonic() - at >= READ_S:
                nodes = read(self.read)
                self._known = time.monotonic(), nodes
            return nodes

    def serving(self, read: Callable[[Callable[[], list[NodeRecord]]], list[NodeRecord]]) -> int:
        """Return the number of nodes that take tasks, as `known` has read them."""
        return sum(one.is_serving for one in self.known(read))

    @property
    def latest(self) -> list[NodeRecord]:
        """The processes as `known` has read them last. Any thread; it reads nothing."""
        return self._known[1]

    def _node(self, row: dict[str, Any], now: int, up_ms: int) -> NodeRecord:
        seen_ms = max(0, now - row["seen_at"])
        is_lost = min(seen_ms, up_ms) > row["timeout_ms"] and row["state"] != "stopped"
        return NodeRecord(
            name=row["name"],
            role=row["role"],
            worker=row["worker"],
            url=row["url"],
            version=row["version"],
            started_at=row["started_at"],
            seen_s=seen_ms / 1000,
            state="lost" if is_lost else row["state"],
            loaded=() if is_lost else tuple(json.loads(row["loaded"] or "[]")),
            card=row["card"],
            progress={} if is_lost else json.loads(row["progress"] or "{}"),
            digest=row["digest"] or "",
        )


def server_ms(database: Database) -> int:
    """Return the database's time in milliseconds since 1970, which all processes share."""
    now = raw.value(database, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return int(now)


def _values(facts: NodeFacts) -> dict[str, Any]:
    return {
        "state": facts.state,
        "loaded": json.dumps(list(facts.loaded)),
        "card": facts.card,
        "progress": json.dumps(facts.progress),
    }
