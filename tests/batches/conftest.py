"""Fixtures for the tests of batches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.servers.webhook_receiver import Receiver
from fooocus_api.tests.support.servers.webhooks import QUICKLY


@pytest.fixture(scope="package")
def null_host() -> Iterator[Host]:
    """Yield a host that generates nothing, quickly."""
    with demo_host("--demo-null", "64x64", *QUICKLY, step_ms=5) as host:
        yield host


@pytest.fixture
def batch_client(null_host: Host) -> Client:
    return Client(null_host.url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
