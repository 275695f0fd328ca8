"""The worker's patches on a real thread that loops as Fooocus's does: no bug in the extension can end it."""

from __future__ import annotations

import copy
import pickle
import threading
from types import ModuleType
from typing import Any

import pytest

from fooocus_api.adapters.worker.queue_items import QueuedTask
from fooocus_api.adapters.worker.task_queue import TaskQueue
from fooocus_api.adapters.worker.worker import TaskHandling, Worker
from fooocus_api.tasks.model import events
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.hosts.host_worker import AsyncTask, EarlyReturnException, Seam, draws, fails, is_stopped


def leaves_early(task: AsyncTask) -> None:
    task.results = ["a.png"]
    raise EarlyReturnException


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
    ids=["drawn", "failed", "left early", "stopped", "skipped", "no result without a request"],
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


def test_uninstall_gives_the_host_its_own_back(host_module: ModuleType) -> None:
    original = host_module.async_tasks
    seam = Seam(host_module)
    assert host_module.async_tasks is not original
    seam.hooks.uninstall()
    seam.bus.stop()
    assert host_module.async_tasks is original and "last_stop" not in vars(AsyncTask)
    task = AsyncTask(draws)
    host_module.async_tasks.append(task)
    wait_for(lambda: task.yields and task.yields[-1][0] == "finish", "the plain host to draw", 10)
