"""Jobs between tasks, and tasks that are built when their turn comes, on the worker thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType

import pytest

from fooocus_api.adapters.image_log.image_log import ImageLog
from fooocus_api.adapters.saving.output_files import OutputFiles
from fooocus_api.adapters.task_args.controls import Controls
from fooocus_api.adapters.task_args.mapping import ArgumentMapper
from fooocus_api.adapters.worker.engine import FooocusEngine, Lookups
from fooocus_api.adapters.worker.queue_items import QueuedTask, WorkerJob
from fooocus_api.adapters.worker.random_state import stored_state
from fooocus_api.adapters.worker.task_queue import TaskQueue
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.images.storage.places import OwnPlaces
from fooocus_api.tasks.model import events
from fooocus_api.tasks.model.task import Task, TaskError
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.ports.engine import EngineUnavailable
from fooocus_api.tasks.ports.tools import ToolFailed
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.hosts.host_worker import AsyncTask, EarlyReturnException, Seam, draws

NO_PLACES = OwnPlaces(list, InputStore(Path("nowhere")))


def never_read(task_id: str) -> Future[bytes | None]:
    """Return the reading of a state from a database that hangs."""
    return Future()


def engine_of(seam: Seam, folder: Path, read: Callable[[str], Future[bytes | None]] = never_read) -> FooocusEngine:
    files = OutputFiles(seam.worker.saves, ImageLog(), FileJournal(folder), NO_PLACES)
    return FooocusEngine(seam.worker, ArgumentMapper([], Controls([]), 0), Lookups(NO_PLACES, read), files)


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
    release = threading.Event()
    engine = engine_of(seam, tmp_path)
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
    engine = engine_of(seam, tmp_path)
    building, release = threading.Event(), threading.Event()

    def build() -> AsyncTask:
        building.set()
        release.wait(10)
        return AsyncTask(draws)

    seam.worker.queue.append_task(QueuedTask("f" * 32, build))  # type: ignore[union-attr]
    assert building.wait(10)
    assert engine.order.task_ids() == ["f" * 32]
    assert engine.withdraw("f" * 32)
    release.set()
    assert [type(event) for event in seam.until_end()] == [events.Queued, events.Stopped]
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished


def test_the_state_of_a_repetition_is_read_while_it_waits(seam: Seam, tmp_path: Path) -> None:
    asked: list[str] = []

    def read(task_id: str) -> Future[bytes | None]:
        asked.append(task_id)
        return Future()

    release = threading.Event()
    engine = engine_of(seam, tmp_path, read)
    seam.worker.run_between_tasks(lambda: release.wait(10))
    for task_id, parameters in (("e" * 32, {}), ("f" * 32, {"repeat_of": "a" * 32})):
        engine.enqueue(Task(task_id, "api", parameters), Workload())
    assert asked == ["f" * 32]
    assert engine.withdraw("e" * 32) and engine.withdraw("f" * 32)
    release.set()


def test_a_hanging_database_holds_up_the_worker_for_a_moment_only(seam: Seam) -> None:
    def build() -> AsyncTask:
        stored_state(never_read("f" * 32), 0.01)
        raise AssertionError("no state is read")

    seam.worker.queue.append_task(QueuedTask("f" * 32, build))  # type: ignore[union-attr]
    *_, ended = seam.until_end()
    assert isinstance(ended, events.Failed) and ended.error.type == "StateNotRead"
    assert type(seam.run(AsyncTask(draws))[-1]) is events.Finished


def test_whenever_a_task_is_stopped_it_is_found(seam: Seam, tmp_path: Path) -> None:
    engine = engine_of(seam, tmp_path)

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


def test_a_worker_that_waits_in_our_queue_finds_its_own_when_we_go(host_module: ModuleType) -> None:
    seam = Seam(host_module)
    seam.worker.run_between_tasks(lambda: 1).result(10)
    seam.hooks.uninstall()
    seam.bus.stop()
    task = AsyncTask(draws)
    host_module.async_tasks.append(task)
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
