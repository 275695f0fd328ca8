"""Fixtures for the tests of the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.servers.webhook_receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
