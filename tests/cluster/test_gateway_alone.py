"""A gateway whose only node has been killed: it says so, and takes tasks that wait."""

from __future__ import annotations

import contextlib

import psycopg

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.clusters.gateways import known_nodes
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.databases.postgres import PostgresServer

REASON = "no node of the cluster takes tasks now, so that they wait; see /v1/nodes, then start a node"


def test_without_a_living_node_the_reason_is_given(durable_postgres: PostgresServer) -> None:
    with DemoCluster(durable_postgres, 1, gateways=1) as cluster:
        known_nodes(cluster.gateways[0])
        gateway = Client(cluster.gateways[0].url)
        assert gateway.get("/healthz").json()["status"] == gateway.get("/readyz").json()["status"] == "ok"
        cluster.nodes[0].kill()
        wait_for(lambda: gateway.get("/healthz").status_code == 503, "the node to be lost", 30)
        for path in "/healthz", "/readyz":
            assert gateway.get(path).json()["status"] == REASON, path
        assert gateway.get("/v1/info").json()["problem"] == REASON
        with contextlib.closing(psycopg.connect(cluster.location)) as other:
            other.execute("LOCK TABLE cluster_node IN ACCESS EXCLUSIVE MODE")
            wait_for(lambda: "history can't be" in gateway.get("/healthz").json()["status"], "the first reason", 30)
