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
        here = GaugeMetricFamily(
            "fooocus_api_process_info",
            "1: which node this process is, and a name that all processes with the same queue give to it.",
            labels=["node", "role", "queue"],
        )
        nodes = [node for node in self._latest() if node.state != "stopped"]  # which is on purpose
        queue = min((node.name for node in nodes), default="")
        for node in nodes:
            labels = (node.name, node.role)
            if node.is_own:
                here.add_metric((*labels, queue), 1.0)
            up.add_metric(labels, float(node.is_up))
            busy.add_metric(labels, float(node.state == "busy"))
            age.add_metric(labels, node.seen_s)
        yield from (up, busy, age, here)
