"""Membership in a cluster: several processes that share one database on PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Membership:
    """This process's place in a cluster. No other process of the cluster has the same `name`, at most 64 characters. One without
    a heartbeat for `timeout_s` counts as lost."""

    name: str
    timeout_s: float = 15.0
