"""Random kills during a stream of requests, for a few rounds; the benchmark's 200 take longer."""

from __future__ import annotations

import random

import pytest

from fooocus_api.tests.stress.crash import crash
from fooocus_api.tests.support.host import demo_host, real_host


@pytest.mark.nightly
def test_random_kills_lose_nothing() -> None:
    row = crash(demo_host(step_ms=10), rounds=5, seed=random.randrange(1_000_000), pause=1.5)
    assert row["rounds"] == 5


@pytest.mark.real
def test_random_kills_of_a_real_fooocus_lose_nothing() -> None:
    row = crash(real_host(), rounds=3, seed=random.randrange(1_000_000), pause=12.0)
    assert row["rounds"] == 3
