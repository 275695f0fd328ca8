"""Fixtures for the tests of clusters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer, programs


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[PostgresServer]:
    """Start a server that loses no commit when it is killed. Skip if PostgreSQL is not installed."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql): its tests are skipped")
    with PostgresServer(folder, synchronous_commit="on", max_connections="100") as server:
        yield server


@pytest.fixture(scope="module")
def cluster(postgres: PostgresServer) -> Iterator[DemoCluster]:
    """Start three demo nodes, shared by the module's tests, each of which leaves them idle."""
    with DemoCluster(postgres, 3, step_ms=20) as nodes:
        yield nodes
