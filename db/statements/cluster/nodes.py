"""Rows of the processes of a cluster."""

from __future__ import annotations

from ...tables import NodeRow, SchemaVersion, shard


def number_of(name: str) -> int:
    """Return the number of the process with this name, at least 1. Adds its row if it has none."""
    named = NodeRow.select(NodeRow.id).where(NodeRow.name == name)
    if named.scalar() is None:
        unknown = {
            "url": "",
            "version": "",
            "started_at": -1,
            "seen_at": -1,
            "loaded": "[]",
            "card": "",
            "timeout_ms": 0,
        }
        NodeRow.insert(name=name, role="node", state="starting", **unknown).on_conflict_ignore().execute()
    return int(named.scalar())


def touch() -> None:
    """Write without a change: to this process's row of a cluster, so that no two processes wait for each other."""
    if shard.is_one_of_several:
        NodeRow.update(name=NodeRow.name).where(NodeRow.id == shard.number).execute()
    else:
        SchemaVersion.update(version=SchemaVersion.version).execute()
