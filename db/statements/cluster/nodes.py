"""Rows of the processes of a cluster."""

from __future__ import annotations

from ...tables import NodeRow


def number_of(name: str) -> int:
    """Return the number of the process with this name, at least 1. Adds its row if it has none."""
    named = NodeRow.select(NodeRow.id).where(NodeRow.name == name)
    if named.scalar() is None:
        unknown = {"url": "", "version": "", "started_at": -1, "seen_at": -1, "loaded": "[]", "card": ""}
        NodeRow.insert(name=name, role="node", state="starting", **unknown).on_conflict_ignore().execute()
    return int(named.scalar())
