"""Fixtures for the tests of generation."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from fooocus_api.tests.support.hosts.host_worker import Seam, host_loop


@pytest.fixture
def host_module() -> Iterator[ModuleType]:
    """Yield a module with the host's queue and loop, which runs until the test ends."""
    with host_loop() as module:
        yield module


@pytest.fixture
def seam(host_module: ModuleType) -> Iterator[Seam]:
    seam = Seam(host_module)
    yield seam
    seam.close()
