"""The tables of a cluster: its processes, and the turns of the sources in its queue."""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, CharField, Model, TextField

from .database import database


class NodeRow(Model):
    """A process of the cluster, by its name. Its id is the number of its shard of the daily counts, at least 1.

    `role` is node or gateway, `state` starting, idle, busy, full, draining or stopped; `worker` is the number by which the queue
    knows it. Times are milliseconds since 1970 by the server's clock, -1 while unknown; `timeout_ms` are the milliseconds without
    a heartbeat after which this process counts as dead. `loaded` is a list, `catalogue` and `progress` are objects, all as JSON
    text.
    """

    id = AutoField()
    name = CharField(max_length=64, unique=True)
    role = CharField(max_length=16)
    worker = BigIntegerField(null=True)
    url = TextField()
    version = TextField()
    started_at = BigIntegerField()
    seen_at = BigIntegerField()
    loaded = TextField()
    state = CharField(max_length=16)
    catalogue = TextField(null=True)
    card = TextField()
    progress = TextField(null=True)
    timeout_ms = BigIntegerField()

    class Meta:
        database = database
        table_name = "cluster_node"


class TurnRow(Model):
    """The last turn of a source in the cluster's queue. `overtakes` is JSON text."""

    source = CharField(max_length=64, primary_key=True)
    turn = BigIntegerField()
    overtakes = TextField(null=True)

    class Meta:
        database = database
        table_name = "source_turn"
