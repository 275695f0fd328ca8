"""The host's queue and loop on a real thread, with the extension's patches in it."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.tasks.model import events
from fooocus_api.tasks.streaming.event_bus import EventBus


class AsyncTask:
    """The part of the host's class that its loop uses; `work` is the handler's action."""

    def __init__(self, work: Any = None) -> None:
        self.args: list[Any] = []
        self.yields: list[Any] = []
        self.results: list[Any] = []
        self.last_stop: Any = False
        self.processing = False
        self.work = work


class EarlyReturnException(BaseException):
    """The host's own exception for leaving a task early."""


@contextlib.contextmanager
def host_loop() -> Iterator[ModuleType]:
    """Yield a module with the host's queue and loop, which runs within the block."""
    module = ModuleType("async_worker_of_the_test")
    running = threading.Event()
    running.set()

    def worker() -> None:
        while running.is_set():
            time.sleep(0.001)
            if len(module.async_tasks) > 0:
                task = module.async_tasks.pop(0)
                try:
                    task.work(task)
                    task.yields.append(["finish", task.results])
                    if getattr(task, "breaks_after", False):
                        raise RuntimeError("after the finish")
                except:  # noqa: E722
                    traceback.print_exc()
                    task.yields.append(["finish", task.results])

    module.AsyncTask, module.async_tasks, module.worker = AsyncTask, [], worker  # type: ignore[attr-defined]
    threading.Thread(target=worker, daemon=True).start()
    yield module
    running.clear()


class Seam:
    """The host's module with the extension's queue, and the events from the bus."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.seen: queue.Queue[events.Event] = queue.Queue()
        self.bus = EventBus()
        self.bus.start(self.seen.put)
        self.hooks = Patches()
        self.worker = Worker(self.bus)
        self.worker.patch(module, self.hooks)

    def run(self, task: AsyncTask) -> list[events.Event]:
        """Queue the task and collect its events to the last."""
        self.module.async_tasks.append(task)
        return self.until_end()

    def close(self) -> None:
        self.hooks.uninstall()
        self.bus.stop()

    def until_end(self) -> list[events.Event]:
        seen = [self.seen.get(timeout=10)]
        while not seen[-1].is_terminal:
            seen.append(self.seen.get(timeout=10))
        return seen


def draws(task: AsyncTask) -> None:
    task.yields.append(["preview", (50, "half", None)])
    task.results = ["a.png"]


def fails(task: AsyncTask) -> None:
    raise ValueError("no such checkpoint")


def is_stopped(task: AsyncTask) -> None:
    task.last_stop = "stop"
