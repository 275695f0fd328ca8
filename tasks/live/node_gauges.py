"""Prometheus gauges of the processes that share the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .nodes import Node


class NodeGauges(Collector):
    """Gauges of each process that shares the queue, except those that have ended on purpose."""

    def __init__(self, latest: Callable[[], Iterable[Node]]) -> None:
        self._latest = latest

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up, busy, age = (
            GaugeMetricFamily(f"fooocus_api_node_{name}", text, labels=["node", "role"])
            for name, text in (
                ("up", "1 while the process has heartbeats, 0 once it has none for too long."),
                ("busy", "1 while the node runs a task."),
                ("heartbeat_age_seconds", "Seconds since the last heartbeat, as of this process's own last one."),
            )
        )
        for node in self._latest():
            if node.state == "stopped":  # on purpose
                continue
            labels = (node.name, node.role)
            up.add_metric(labels, float(node.is_up))
            busy.add_metric(labels, float(node.state == "busy"))
            age.add_metric(labels, node.seen_s)
        yield from (up, busy, age)
