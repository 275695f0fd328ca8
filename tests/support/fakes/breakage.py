"""Parts of the end of a task that fail, always or a few times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from fooocus_api.tasks.history.retention import Retention
from fooocus_api.tasks.lifecycle import observers
from fooocus_api.tasks.lifecycle.metrics import Metrics
from fooocus_api.tasks.lifecycle.observers import TaskLog
from fooocus_api.tasks.model import gaps, image_record, rows
from fooocus_api.tasks.model.task import TERMINAL_STATUSES
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tasks.queue.eta import EtaCalculator
from fooocus_api.tasks.streaming.broadcaster import Broadcaster
from fooocus_api.tasks.webhooks.delivery import Webhooks
from fooocus_api.tests.support.fakes.simulation import World

READS = ("relative_path", "is_kept", "save_array", "read_header")
PARTS = {
    "relative_path": lambda world: (world.machine.files, "relative_path"),
    "is_kept": lambda world: (world.machine.files, "is_kept"),
    "save_array": lambda world: (world.machine.files, "save_array"),
    "remove_images": lambda world: (world.machine.files, "remove_images"),
    "read_header": lambda world: (image_record, "read_header"),
    "journal entries": lambda world: (world.journal, "entries"),
    "journal clear": lambda world: (world.journal, "clear"),
    "estimate of the end": lambda world: (Estimator, "on_ended"),
    "estimate of the start": lambda world: (Estimator, "on_started"),
    "forecast of one": lambda world: (EtaCalculator, "outlook"),
    "forecast of some": lambda world: (EtaCalculator, "outlooks"),
    "count of events": lambda world: (Metrics, "count_event"),
    "count of tasks": lambda world: (Metrics, "observe_task"),
    "webhook": lambda world: (Webhooks, "ended"),
    "wake": lambda world: (Webhooks, "wake"),
    "expire later": lambda world: (Retention, "expire_later"),
    "log": lambda world: (observers.log, "log"),
    "complaint": lambda world: (gaps.log, "exception"),
    "observation": lambda world: (TaskLog, "on_event"),
}
"""Parts that the end of a task calls; each may fail on every call."""
ENGINES = {
    "publish": (1, lambda world: (Broadcaster, "publish")),
    "update": (3, lambda world: (world.repository, "update")),
    "insert": (3, lambda world: (world.repository, "insert")),
    "changes": (3, lambda world: (rows, "changes")),
}
"""Parts that the end itself consists of: each fails at most this many times, and then works."""
OF_THE_END: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "publish": lambda args: args[1] in TERMINAL_STATUSES,
    "update": lambda args: args[1].get("status") in TERMINAL_STATUSES,
    "insert": lambda args: args[0]["status"] in TERMINAL_STATUSES,
    "changes": lambda args: args[0].status.is_terminal,
}


class Breakage:
    """Makes parts of a world fail, and records which of them were called."""

    def __init__(self, world: World, broken: dict[str, Callable[[], BaseException]], times: dict[str, int]) -> None:
        self.world, self.broken, self.times = world, broken, dict(times)
        self.called: set[str] = set()

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Make the parts fail within the `with` block."""
        patches = []
        for name, error in self.broken.items():
            place = PARTS[name] if name in PARTS else ENGINES[name][1]
            owner, attribute = place(self.world)
            patches.append(patch.object(owner, attribute, self._failing(name, error, getattr(owner, attribute))))
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in reversed(patches):
                each.stop()

    def _failing(self, name: str, error: Callable[[], BaseException], real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name in ENGINES:
                if not OF_THE_END[name](args) or self.times.get(name, 0) <= 0:
                    return real(*args, **kwargs)
                self.times[name] -= 1
            self.called.add(name)
            raise error()

        return call
