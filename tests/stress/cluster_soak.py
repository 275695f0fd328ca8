"""Everything at once in a cluster for an hour: three nodes and a gateway, a killed and a drained node, a restarted PostgreSQL.

An hour, or `--minutes`. Runs only if named.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ...benchmarks.clusters.servers import durable_server
from ...benchmarks.frame import Options, Row
from .cluster_target import ClusterTarget
from .soak import GROWTH_OF_POOLS, demo_files, soak

ALLOWED_GROWTH = {"threads": GROWTH_OF_POOLS + 4, "files": 8, "listeners": 0}
"""Allowed growth of each process: it may become the caretaker, which has threads and connections of its own."""


@contextlib.contextmanager
def cluster_target() -> Iterator[ClusterTarget]:
    """Yield a cluster, not started yet.

    Raises:
        Unavailable: PostgreSQL is not installed.
    """
    with durable_server() as server, demo_files() as (checkout, models):
        yield ClusterTarget(server, checkout, models, ALLOWED_GROWTH)


def run(options: Options) -> list[Row]:
    """Return tables of actions and of resources used. Raises AssertionError, with the seed, on a violation."""
    with cluster_target() as target:
        return soak(target, options.minutes or 60, options.seed, pause=1.25, name="cluster-soak")
