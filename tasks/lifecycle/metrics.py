"""Prometheus metrics. Updated on the bus thread; read by each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ..model import events
from ..model.active_tasks import ActiveTask, ActiveTasks
from ..ports.engine import Engine
from ..streaming.broadcaster import Broadcaster

STEP_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TASK_BUCKETS = (0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800)


NO_STEP = ("", 0.0)
"""Stands for the task and the time of the last step, if the next step does not follow another one of its task."""


class _Counted(Collector):
    """A counter whose value is read from elsewhere."""

    def __init__(self, name: str, text: str, read: Callable[[], float]) -> None:
        self._name, self._text, self._read = name, text, read

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._text, self._read())


class Metrics:
    """Metrics of the extension, in a separate registry: the host may have its own metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter("fooocus_api_events", "Events of tasks.", ["kind"], registry=self.registry)
        self._task_seconds = Histogram(
            "fooocus_api_task_seconds",
            "Seconds from a task's start to its end.",
            ["status"],
            buckets=TASK_BUCKETS,
            registry=self.registry,
        )
        self._step_seconds = Histogram(
            "fooocus_api_step_seconds", "Seconds between two steps.", buckets=STEP_BUCKETS, registry=self.registry
        )
        self._requests = Counter(
            "fooocus_api_requests", "Requests to the API.", ["surface", "status"], registry=self.registry
        )
        self._accepted = Counter("fooocus_api_accepted_tasks", "Tasks of the API.", ["surface"], registry=self.registry)
        self._last_step = NO_STEP

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Register a gauge whose value `read` returns at every scrape."""
        Gauge(f"fooocus_api_{name}", text, registry=self.registry).set_function(read)

    def counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Register a counter whose value `read` returns at every scrape."""
        self.registry.register(_Counted(f"fooocus_api_{name}", text, read))

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Count an event of a task, and record the durations that it completes."""
        if active is None:
            return
        self.count_event(type(event).__name__.lower())
        match event:
            case events.Progress() if event.is_step:
                task_id, clock_s = self._last_step
                self._last_step = (event.task_id, event.clock_s)
                if task_id == event.task_id:
                    self.observe_step(event.clock_s - clock_s)
            case events.ImageSaved():
                self._last_step = NO_STEP  # the time between two images is not that of a step
            case events.Ended():
                seconds = active.seconds_until(event)
                if seconds is not None:
                    self.observe_task(active.task.status.value, seconds)

    def count_event(self, kind: str) -> None:
        """Count an event of a task."""
        self._events.labels(kind).inc()

    def count_request(self, surface: str, status: int) -> None:
        """Count a request to the API of that name, answered with that status. Any thread."""
        self._requests.labels(surface, str(status)).inc()

    def count_accepted(self, surface: str) -> None:
        """Count a task that the API of that name has accepted. Any thread."""
        self._accepted.labels(surface).inc()

    def observe_step(self, seconds: float) -> None:
        """Record the duration of a step."""
        self._step_seconds.observe(seconds)

    def observe_task(self, status: str, seconds: float) -> None:
        """Record the duration of an ended task."""
        self._task_seconds.labels(status).observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)


def build_metrics(active: ActiveTasks, broadcaster: Broadcaster, engine: Engine) -> Metrics:
    """Return the metrics with the gauges of the queue and of the streams."""
    metrics = Metrics()
    metrics.gauge("paused", "1 while no task of the API is started.", engine.order.is_paused)
    metrics.gauge("queue_length", "Tasks that wait.", lambda: active.counts()["pending"])
    metrics.gauge("tasks_running", "Tasks that run.", lambda: active.counts()["running"])
    metrics.gauge("listeners", "Open event streams and waiting requests.", broadcaster.subscriber_count)
    metrics.counter("deliveries", "Updates handed to listeners since the start.", lambda: broadcaster.delivered)
    return metrics
