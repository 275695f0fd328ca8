"""Samples of the statistics: what a minute counts, and how many are kept."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fooocus_api.adapters.startup import freed_memory
from fooocus_api.adapters.startup.freed_memory import MemoryRelease, release_freed_memory
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.tasks.model import events
from fooocus_api.tasks.model.active_tasks import ActiveTask, ActiveTasks
from fooocus_api.tasks.model.stage import Stage
from fooocus_api.tasks.model.task import Task
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.overview.announcements import Announcements
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tasks.queue.eta import EtaCalculator
from fooocus_api.tasks.statistics.statistics import KEPT, MachineLoad, Sample, Statistics
from fooocus_api.tasks.streaming.broadcaster import Broadcaster
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tasks.streaming.notices import MAX_NOTICES, Notice
from fooocus_api.tasks.streaming.updates import Dropped
from fooocus_api.tests.support.fakes.fake_engine import Machine

TASK = Task("a" * 32, "api", {})
ACTIVE = ActiveTask(TASK, Workload())


def test_freed_memory_is_given_back_once_the_process_has_grown() -> None:
    release, megabyte = MemoryRelease(), 2**20
    seen = [None, 400, 420, 300, 350, 365, 380, 390, 430]
    given_back = [release.look(None if one is None else one * megabyte) for one in seen]
    assert given_back == [False, False, False, False, False, True, False, False, True]


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed memory, and has a call to give it back"
)
def test_the_memory_between_what_is_kept_is_given_back() -> None:
    blocks = [bytes(2_000) for _ in range(100_000)]
    kept = blocks[::50]
    del blocks
    before = psutil.Process().memory_info().rss
    release_freed_memory()
    assert before - psutil.Process().memory_info().rss > 50 * 2**20
    assert len(kept) == 2_000


THREADS_THAT_KEEP = """
import runpy, sys, threading
runpy.run_path(sys.argv[1])["share_heaps"]()
kept, all_have = [], threading.Barrier(12)
def keep():
    kept.append([bytes(2_000) for _ in range(1_000)])
    all_have.wait(30)
threads = [threading.Thread(target=keep) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with open("/proc/self/maps") as file:
    ranges = [line.split()[0].split("-") for line in file if " rw-p " in line and len(line.split()) == 5]
print(sum(int(start, 16) % 2**26 == 0 for start, _ in ranges))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
@pytest.mark.parametrize(("own", "fewest", "most"), [({}, 0, 1), ({"MALLOC_ARENA_MAX": "5"}, 2, 4)])
def test_threads_share_heaps_unless_the_environment_has_a_number(own: dict[str, str], fewest: int, most: int) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")
    }
    command = [sys.executable, "-c", THREADS_THAT_KEEP, freed_memory.__file__]
    result = subprocess.run(command, env={**environment, **own}, capture_output=True, text=True, check=True)
    assert fewest <= int(result.stdout) <= most


def step(clock_s: float) -> events.Progress:
    return events.Progress(TASK.task_id, 50, "step", stage=Stage("sampling", step=1), clock_s=clock_s)


def test_a_minute_has_its_images_and_the_median_of_its_steps() -> None:
    seen: list[Sample] = []
    statistics = Statistics(lambda: 7, lambda: MachineLoad(1, 2, 3, 4), seen.append)
    for clock_s in (0.0, 1.0, 2.0, 5.0):
        statistics.on_event(step(clock_s), ACTIVE)
    statistics.on_event(events.ImageSaved(TASK.task_id, "a.png", {}), ACTIVE)
    statistics.on_event(step(100.0), ACTIVE)
    first = statistics.take()
    assert (first.queue_length, first.images, first.step_seconds) == (7, 1, 1.0)
    second = statistics.take()
    assert (second.images, second.step_seconds, second.load) == (0, None, MachineLoad(1, 2, 3, 4))
    assert seen == [first, second] and statistics.last(1)[:-1] == [second] and len(statistics.last(0)) == 1


def test_a_day_is_kept() -> None:
    statistics = Statistics(lambda: 0, MachineLoad)
    for _ in range(KEPT + 5):
        statistics.take()
    assert len(statistics.last(10**6)) == KEPT + 1


def test_too_many_missed_deletions_are_reported_as_dropped() -> None:
    """Replay what is kept, and say that some are lost, without a change of the ids of updates."""
    broadcaster = Broadcaster()

    async def missed(after: str) -> list[object]:
        with broadcaster.subscribe(after=after, also=frozenset({"deleted"})) as subscription:
            subscription.end()
            return [item async for item in subscription]

    with_id = f"{broadcaster.stream_id}-0"
    for number in range(MAX_NOTICES):
        broadcaster.announce("deleted", [str(number)], source="x")
    kept = asyncio.run(missed(with_id))
    assert len(kept) == MAX_NOTICES and all(isinstance(item, Notice) for item in kept)
    broadcaster.announce("deleted", ["last"], source="x")
    broadcaster.announce("model", object())
    again = asyncio.run(missed(with_id))
    assert again[0] == Dropped(None, 0) and len(again) == 1 + MAX_NOTICES


def test_each_source_learns_of_its_own_deletions(tmp_path: Path) -> None:
    broadcaster = Broadcaster()
    engine = Machine(EventBus(), FileJournal(tmp_path / "journal"), tmp_path)
    announcements = Announcements(broadcaster, EtaCalculator(ActiveTasks(), engine, Estimator()))

    async def seen(source: str | None) -> list[object]:
        with broadcaster.subscribe(source=source, also=frozenset({"deleted"})) as subscription:
            await asyncio.to_thread(announcements.removed, [Task("1", "x", {}), Task("2", "y", {}), Task("3", "x", {})])
            await asyncio.sleep(0)
            subscription.end()
            return [item.content async for item in subscription if isinstance(item, Notice)]

    assert asyncio.run(seen(None)) == [["1", "3"], ["2"]]
    assert asyncio.run(seen("x")) == [["1", "3"]] and asyncio.run(seen("z")) == []
