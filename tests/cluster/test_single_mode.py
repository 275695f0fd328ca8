"""A host without --cluster imports nothing of clusters."""

from __future__ import annotations

import re

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host

OF_CLUSTERS = re.compile(
    r"\|\s+(fooocus_api\.(cluster|gateway|cluster_runtime)|procrastinate|obstore|psycopg\.connection)(\.|$)"
)
"""Not `psycopg` itself, which peewee imports and gets an empty module."""


def test_nothing_of_clusters_is_imported() -> None:
    flags = ("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0", "--demo-load-ms", "0")
    with Host(DEMO, flags=flags, env={"PYTHONPROFILEIMPORTTIME": "1"}, patience=90) as host:
        assert Client(host.url).draw()["task_status"] == "finished"
        log = host.log().splitlines()
    assert any("fooocus_api.tasks.build" in line for line in log)
    assert [line for line in log if OF_CLUSTERS.search(line)] == []
