"""The worker's patches on a real thread that loops as Fooocus's does: no bug in the extension can end it."""

from __future__ import annotations

import copy
import pickle
import queue
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.task_args.controls import Controls
from fooocus_api.adapters.task_args.mapping import ArgumentMapper
from fooocus_api.adapters.worker.engine import FooocusEngine
from fooocus_api.adapters.worker.image_log import ImageLog
from fooocus_api.adapters.worker.queue_items import QueuedTask, WorkerJob
from fooocus_api.adapters.worker.task_queue import TaskQueue
from fooocus_api.adapters.worker.worker import TaskHandling, Worker
from fooocus_api.images.file_journal import FileJournal
from fooocus_api.tasks.model import events
from fooocus_api.tasks.model.task import TaskError
from fooocus_api.tasks.ports.engine import EngineUnavailable
from fooocus_api.tasks.ports.tools import ToolFailed
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.support.client import wait_for


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


@pytest.fixture
def host() -> Iterator[ModuleType]:
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

    def until_end(self) -> list[events.Event]:
        seen = [self.seen.get(timeout=10)]
        while not seen[-1].is_terminal:
            seen.append(self.seen.get(timeout=10))
        return seen


@pytest.fixture
def seam(host: ModuleType) -> Iterator[Seam]:
    seam = Seam(host)
    yield seam
    seam.hooks.uninstall()
    seam.bus.stop()


def draws(task: AsyncTask) -> None:
    task.yields.append(["preview", (50, "half", None)])
    task.results = ["a.png"]


def fails(task: AsyncTask) -> None:
    raise ValueError("no such checkpoint")


def leaves_early(task: AsyncTask) -> None:
    task.results = ["a.png"]
    raise EarlyReturnException


def is_stopped(task: AsyncTask) -> None:
    task.last_stop = "stop"


def is_skipped(task: AsyncTask) -> None:
    task.last_stop = "skip"
    task.last_stop = False


@pytest.mark.parametrize(
    ("work", "ending"),
    [
        (draws, events.Finished),
        (fails, events.Failed),
        (leaves_early, events.Finished),
        (is_stopped, events.Stopped),
        (is_skipped, events.Stopped),
        (lambda task: None, events.Failed),
    ],
    ids=["drawn", "failed", "left early", "stopped", "skipped", "no result nobody asked for"],
)
def test_an_ending_is_told_for_what_it_is(seam: Seam, work: Any, ending: type[events.Ended]) -> None:
    seen = seam.run(AsyncTask(work))
    assert [type(event) for event in seen[:2]] == [events.Queued, events.Started]
    assert type(seen[-1]) is ending
    assert len({event.task_id for event in seen}) == 1


def test_a_failure_keeps_the_hosts_words(seam: Seam) -> None:
    failed = seam.run(AsyncTask(fails))[-1]
    assert isinstance(failed, events.Failed)
    assert (failed.error.type, failed.error.message) == ("ValueError", "no such checkpoint")


class Moody(AsyncTask):
    """A fork's task whose attributes can't be read after its end."""

    @property
    def images_to_enhance_count(self) -> int:
        raise RuntimeError("moody")


class Mute(Exception):
    """An exception whose `__str__` raises."""

    def __str__(self) -> str:
        raise RuntimeError("mute")


def is_mute(task: AsyncTask) -> None:
    raise Mute


def gives(results: Any) -> Any:
    def work(task: AsyncTask) -> None:
        task.results = results

    return work


@pytest.mark.parametrize(
    ("task", "ending", "results", "missing"),
    [
        (Moody(draws), events.Finished, ["a.png"], 1),
        (AsyncTask(is_mute), events.Failed, [], 0),
        (AsyncTask(gives(None)), events.Failed, [], 1),
        (AsyncTask(gives(7)), events.Failed, [], 1),
        (AsyncTask(gives(("a.png",))), events.Finished, ["a.png"], 0),
    ],
    ids=["moody", "mute", "None", "a number", "a tuple"],
)
def test_an_end_is_told_whatever_the_host_hands_over(
    seam: Seam, task: AsyncTask, ending: type[events.Ended], results: list[str], missing: int
) -> None:
    ended = seam.run(task)[-1]
    assert isinstance(ended, ending) and ended.results == results and len(ended.missing) == missing
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished


def test_a_task_that_the_worker_leaves_without_an_end_has_failed(seam: Seam) -> None:
    def vanishes(task: AsyncTask) -> None:
        task.yields = []  # no further event of it can arrive

    seam.module.async_tasks.append(AsyncTask(vanishes))
    next_one = AsyncTask(draws)
    seam.module.async_tasks.append(next_one)
    seen = seam.until_end()
    assert isinstance(seen[-1], events.Failed) and seen[-1].error.type == "NoEnd"
    assert type(seam.until_end()[-1]) is events.Finished


def test_a_click_that_can_not_be_described_is_a_task_all_the_same(seam: Seam) -> None:
    def describe(task: Any) -> Any:
        raise RuntimeError("unknown arguments")

    seam.worker.attach(TaskHandling(describe=describe))
    seen = seam.run(AsyncTask(draws))
    assert isinstance(seen[0], events.Queued) and type(seen[-1]) is events.Finished


def test_the_second_finish_counts_for_nothing(seam: Seam) -> None:
    task = AsyncTask(draws)
    task.breaks_after = True  # type: ignore[attr-defined]
    assert type(seam.run(task)[-1]) is events.Finished
    assert type(seam.run(AsyncTask(draws))[0]) is events.Queued  # the first task caused no further event


def test_the_webui_reads_its_yields_and_others_keep_none(seam: Seam) -> None:
    clicked, ours = AsyncTask(draws), AsyncTask(draws)
    seam.run(clicked)
    seam.worker.queue.append_task(QueuedTask("f" * 32, lambda: ours))  # type: ignore[union-attr]
    seam.until_end()
    assert [flag for flag, _ in clicked.yields] == ["preview", "finish"]
    assert list(ours.yields) == []
    assert clicked.yields.pop(0)[0] == "preview"


def test_copies_of_a_task_hold_plain_lists(seam: Seam) -> None:
    task = AsyncTask(draws)
    seam.run(task)
    task.work = None
    for twin in (copy.deepcopy(task), copy.copy(task.yields), pickle.loads(pickle.dumps(task.yields))):
        assert type(getattr(twin, "yields", twin)) is list
    assert copy.deepcopy(task).last_stop is False


def test_a_bug_of_ours_does_not_reach_the_worker(seam: Seam, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(event: events.Event) -> None:
        raise RuntimeError("our bug")

    monkeypatch.setattr(seam.bus, "emit", broken)
    lost = AsyncTask(draws)
    seam.module.async_tasks.append(lost)
    wait_for(lambda: lost.results, "the worker to have drawn", 10)
    monkeypatch.undo()
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished
    assert seam.worker.alive()


def test_a_task_withdrawn_behind_the_workers_back_does_not_end_it() -> None:
    """Withdraw the last task between the worker's `len` and its `pop`: a plain list's IndexError would kill the thread."""
    worker = Worker(EventBus())
    tasks = TaskQueue(worker, [])
    popped: list[AsyncTask] = []
    worker.thread = threading.Thread(target=lambda: popped.append(tasks.pop(0)), daemon=True)
    worker.thread.start()
    with pytest.raises(IndexError):
        tasks.pop(0)  # to other threads it is a plain list
    task = AsyncTask(draws)
    tasks.append(task)
    worker.thread.join(timeout=10)
    assert popped == [task]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_worker_is_started_again(seam: Seam) -> None:
    class Deadly(AsyncTask):
        @property
        def results(self) -> Any:
            raise SystemExit

        @results.setter
        def results(self, value: Any) -> None:
            pass

    first = seam.worker.thread
    seen = seam.run(Deadly(draws))
    assert isinstance(seen[-1], events.Failed) and seen[-1].error.type == "WorkerDied"
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished
    assert seam.worker.thread is not first and seam.worker.alive()


def test_uninstall_gives_the_host_its_own_back(host: ModuleType) -> None:
    original = host.async_tasks
    seam = Seam(host)
    assert host.async_tasks is not original
    seam.hooks.uninstall()
    seam.bus.stop()
    assert host.async_tasks is original and "last_stop" not in vars(AsyncTask)
    task = AsyncTask(draws)
    host.async_tasks.append(task)
    wait_for(lambda: task.yields and task.yields[-1][0] == "finish", "the plain host to draw", 10)


def test_jobs_and_tasks_take_turns_on_the_worker_thread(seam: Seam) -> None:
    order: list[str] = []
    release = threading.Event()

    def task(name: str) -> AsyncTask:
        def work(task: AsyncTask) -> None:
            release.wait(10)
            order.append(name)
            draws(task)

        return AsyncTask(work)

    def job(name: str) -> threading.Thread:
        order.append(name)
        return threading.current_thread()

    seam.module.async_tasks.append(task("first task"))
    answer = seam.worker.run_between_tasks(lambda: job("first job"))
    seam.module.async_tasks.append(task("second task"))
    last = seam.worker.run_between_tasks(lambda: job("last job"))
    release.set()
    assert answer.result(10) is last.result(10) is seam.worker.thread
    assert order == ["first task", "first job", "second task", "last job"]


@pytest.mark.parametrize("raised", [ValueError("no such model"), SystemExit(3), EarlyReturnException()], ids=repr)
def test_a_job_that_fails_leaves_the_worker_fine(seam: Seam, raised: BaseException) -> None:
    def fails() -> None:
        raise raised

    first = seam.worker.thread
    with pytest.raises(ToolFailed) as failed:
        seam.worker.run_between_tasks(fails).result(10)
    assert failed.value.error == TaskError(type(raised).__name__, str(raised) or "no message")
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished
    assert seam.worker.thread is first


def test_a_job_given_up_before_its_turn_is_not_done(seam: Seam) -> None:
    release = threading.Event()
    done: list[str] = []
    seam.worker.run_between_tasks(lambda: release.wait(10))
    given_up = seam.worker.run_between_tasks(lambda: done.append("given up"))
    wanted = seam.worker.run_between_tasks(lambda: done.append("wanted"))
    assert given_up.cancel()
    release.set()
    wanted.result(10)
    assert done == ["wanted"]


def test_after_a_job_the_worker_waits_for_the_next_task(seam: Seam) -> None:
    """Keep waiting: the worker has counted the job as a task, and must neither return without one nor miss the next."""
    assert seam.worker.run_between_tasks(lambda: 1).result(10) == 1
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished


def test_a_task_is_withdrawn_from_between_jobs(seam: Seam, tmp_path: Path) -> None:
    def find_image(reference: str) -> Path:
        raise FileNotFoundError(reference)

    release = threading.Event()
    engine = FooocusEngine(
        seam.worker, ArgumentMapper([], Controls([]), 0), find_image, ImageLog(), FileJournal(tmp_path)
    )
    seam.worker.run_between_tasks(lambda: release.wait(10))
    seam.worker.run_between_tasks(lambda: release.wait(10))
    seam.worker.queue.append_task(QueuedTask("f" * 32, lambda: AsyncTask(draws)))  # type: ignore[union-attr]
    last = seam.worker.run_between_tasks(lambda: "done")
    assert engine.withdraw("f" * 32)
    release.set()
    assert last.result(10) == "done"
    assert [type(event) for event in seam.until_end()] == [events.Queued, events.Stopped]


def test_a_task_that_is_being_built_is_stopped_like_any_other(seam: Seam, tmp_path: Path) -> None:
    """Stop the task while it is neither in the queue nor current for the worker; building its images may take a while."""
    engine = FooocusEngine(seam.worker, ArgumentMapper([], Controls([]), 0), Path, ImageLog(), FileJournal(tmp_path))
    building, release = threading.Event(), threading.Event()

    def build() -> AsyncTask:
        building.set()
        release.wait(10)
        return AsyncTask(draws)

    seam.worker.queue.append_task(QueuedTask("f" * 32, build))  # type: ignore[union-attr]
    assert building.wait(10)
    assert engine.order() == ["f" * 32]
    assert engine.withdraw("f" * 32)
    release.set()
    assert [type(event) for event in seam.until_end()] == [events.Queued, events.Stopped]
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished


def test_whenever_a_task_is_stopped_it_is_found(seam: Seam, tmp_path: Path) -> None:
    engine = FooocusEngine(seam.worker, ArgumentMapper([], Controls([]), 0), Path, ImageLog(), FileJournal(tmp_path))

    def is_stopped_in_time(task: AsyncTask) -> None:
        wait_for(lambda: task.last_stop, "the task to be stopped", 10)

    for number in range(100):
        task_id = f"{number:032x}"
        seam.worker.queue.append_task(QueuedTask(task_id, lambda: AsyncTask(is_stopped_in_time)))  # type: ignore[union-attr]
        time.sleep(number / 100_000)  # some time between pending and running
        assert engine.withdraw(task_id) or engine.interrupt(task_id, "stop")
        assert type(seam.until_end()[-1]) is events.Stopped


def test_a_waiting_task_is_built_when_its_turn_comes(seam: Seam) -> None:
    seam.worker.queue.append_task(QueuedTask("e" * 32, lambda: AsyncTask(draws)))  # type: ignore[union-attr]
    assert [type(event) for event in seam.until_end()] == [
        events.Queued,
        events.Started,
        events.Progress,
        events.Finished,
    ]


def test_a_task_that_can_not_be_built_fails_and_the_worker_goes_on(seam: Seam) -> None:
    def broken() -> AsyncTask:
        raise ValueError("its image is gone")

    seam.worker.queue.append_task(QueuedTask("e" * 32, broken))  # type: ignore[union-attr]
    failed = seam.until_end()[-1]
    assert isinstance(failed, events.Failed) and failed.error == TaskError("ValueError", "its image is gone")
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished


def test_a_worker_that_waits_in_our_queue_finds_its_own_when_we_go(host: ModuleType) -> None:
    seam = Seam(host)
    seam.worker.run_between_tasks(lambda: 1).result(10)
    seam.hooks.uninstall()
    seam.bus.stop()
    task = AsyncTask(draws)
    host.async_tasks.append(task)
    wait_for(lambda: task.yields and task.yields[-1][0] == "finish", "the plain host to draw", 10)


def test_for_anyone_but_the_worker_jobs_are_items_of_a_list() -> None:
    worker = Worker(EventBus())
    tasks = TaskQueue(worker, [])
    job = WorkerJob(lambda: 1)
    tasks.append_job(job)
    assert tasks.pop(0) is job
    assert not job.future.done()


def test_without_a_worker_thread_there_are_no_jobs() -> None:
    with pytest.raises(EngineUnavailable):
        Worker(EventBus()).run_between_tasks(lambda: 1)
