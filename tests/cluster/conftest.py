"""Fixtures for the tests of clusters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer


@pytest.fixture(scope="module")
def cluster(postgres: PostgresServer) -> Iterator[DemoCluster]:
    """Start three demo nodes, shared by the module's tests, each of which leaves them idle."""
    with DemoCluster(postgres, 3, step_ms=20) as nodes:
        yield nodes
