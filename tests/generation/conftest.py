"""Fixtures for the tests of generation."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from types import ModuleType

import pytest

from fooocus_api.tests.support.hosts.host_worker import AsyncTask, Seam


@pytest.fixture
def host_module() -> Iterator[ModuleType]:
    """Yield a module with the host's queue and loop, which runs until the test ends."""
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


@pytest.fixture
def seam(host_module: ModuleType) -> Iterator[Seam]:
    seam = Seam(host_module)
    yield seam
    seam.hooks.uninstall()
    seam.bus.stop()
