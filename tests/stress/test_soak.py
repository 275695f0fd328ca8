"""Everything at once breaks no promise: half a minute of the benchmark, whose hour is run by hand."""

from __future__ import annotations

import random
import sys
import time
from contextlib import nullcontext

import pytest

from fooocus_api.tests.stress.cluster_soak import cluster_target
from fooocus_api.tests.stress.outages import GRACE, LOCKED, RECEIVER_DOWN, Outages
from fooocus_api.tests.stress.soak import demo_target, soak
from fooocus_api.tests.support.databases.postgres import programs


@pytest.mark.nightly
def test_everything_at_once_loses_nothing() -> None:
    with demo_target() as target:
        rows = soak(target, minutes=0.5, seed=random.randrange(1_000_000), pause=0.8)
    figures = {row["figure"]: row["value"] for row in rows}
    assert figures["accepted tasks"] > 10 and figures["… finished"] > 0
    assert figures["locked database, seconds"] >= 8 and figures["host: listeners, in the end"] == 0


@pytest.mark.nightly
@pytest.mark.skipif(programs() is None or sys.platform == "win32", reason="it needs PostgreSQL and SIGTERM")
def test_everything_at_once_in_a_cluster_loses_nothing() -> None:
    with cluster_target() as target:
        rows = soak(target, minutes=0.5, seed=random.randrange(1_000_000), pause=0.8, name="cluster-soak")
    figures = {row["figure"]: row["value"] for row in rows}
    assert figures["accepted tasks"] > 10 and figures["… finished"] > 0
    assert {"killed node, seconds", "drained node, seconds", "restarted database, seconds"} <= figures.keys()


def test_a_lock_excuses_a_late_refusal_though_the_next_outage_has_begun() -> None:
    outages = Outages()
    with outages.during(LOCKED, nullcontext()):
        assert outages.excuse() == LOCKED
    with outages.during(RECEIVER_DOWN, nullcontext()):
        assert outages.excuse() == LOCKED
    assert outages.excuse() == LOCKED


def test_an_outage_of_long_ago_excuses_no_refusal() -> None:
    outages = Outages()
    outages.over = [(LOCKED, 0.0, time.time() - GRACE), (RECEIVER_DOWN, 0.0, time.time())]
    assert outages.excuse() is None


def test_a_deaf_receiver_excuses_no_refusal() -> None:
    outages = Outages()
    with outages.during(RECEIVER_DOWN, nullcontext()):
        assert outages.excuse() is None
    assert outages.excuse() is None
