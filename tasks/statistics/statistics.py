"""Samples of this process, one a minute for a day, in memory: the queue, images, steps, and the machine."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..model import events
from ..model.active_tasks import ActiveTask
from ..model.task import now_ms

log = logging.getLogger("fooocus_api.statistics")

INTERVAL_S = 60
KEPT = 1440
"""Minutes that are kept."""
MAX_STEPS = 10_000
"""Durations of steps that count in one minute."""


@dataclass(frozen=True)
class MachineLoad:
    """Bytes in use and free: of the GPU, this process and the disk of the outputs. None while unknown."""

    gpu_memory_used: int | None = None
    gpu_memory_total: int | None = None
    memory: int | None = None
    disk_free: int | None = None


@dataclass(frozen=True)
class Sample:
    """A minute that ended at the time `at`, in milliseconds since 1970.

    `queue_length` is the number of waiting tasks at its end, `images` of those that it saved, `step_seconds` the median of its
    steps, None without one.
    """

    at: int
    queue_length: int
    images: int
    step_seconds: float | None
    load: MachineLoad


class Statistics:
    """Observes the events of tasks on the bus's thread, and takes the samples on a thread of its own."""

    def __init__(
        self,
        queue_length: Callable[[], int],
        load: Callable[[], MachineLoad],
        publish: Callable[[Sample], None] = lambda sample: None,
    ) -> None:
        """Store the functions that return the number of waiting tasks and the load, and the one that gets each sample."""
        self._queue_length = queue_length
        self._load = load
        self._publish = publish
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._images = 0
        self._steps: deque[float] = deque(maxlen=MAX_STEPS)
        self._last_step: tuple[str, float] | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Count an image or measure a step."""
        if active is None:
            return
        if isinstance(event, events.Progress) and event.is_step:
            last, self._last_step = self._last_step, (event.task_id, event.clock_s)
            if last is not None and last[0] == event.task_id:
                with self._lock:
                    self._steps.append(event.clock_s - last[1])
        elif isinstance(event, events.ImageSaved):
            self._last_step = None  # the time between two images is not that of a step
            with self._lock:
                self._images += 1

    def start(self) -> None:
        """Start to take samples."""
        threading.Thread(target=self._run, name="fooocus-api-statistics", daemon=True).start()

    def close(self) -> None:
        """Take no more samples."""
        self._closed.set()

    def last(self, minutes: int) -> list[Sample]:
        """Return the samples of the last minutes, the oldest first, with that of the running minute. Reads the disk."""
        now = self._sample()
        with self._lock:
            return [*list(self._samples)[max(0, len(self._samples) - minutes) :], now]

    def take(self) -> Sample:
        """End the running minute and return its sample."""
        sample = self._sample()
        with self._lock:
            self._samples.append(sample)
            self._images = 0
            self._steps.clear()
        self._publish(sample)
        return sample

    def _sample(self) -> Sample:
        load = self._load()
        with self._lock:
            return Sample(now_ms(), self._queue_length(), self._images, _median(self._steps), load)

    def _run(self) -> None:
        while not self._closed.wait(INTERVAL_S):
            try:
                self.take()
            except Exception:
                log.exception("no sample taken")


def _median(seconds: Collection[float]) -> float | None:
    """Return the middle one, None without any. Python's `statistics` would take long to import at the start."""
    return round(sorted(seconds)[len(seconds) // 2], 4) if seconds else None
