"""The reasons for places in the queue, moves and the pause, in the scheduler and in the host's queue."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import pytest

from fooocus_api.adapters.worker.queue_items import QueuedTask, WorkerJob
from fooocus_api.adapters.worker.task_queue import TaskQueue
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.tasks.model.pick import Pick, Reason
from fooocus_api.tasks.model.workload.workload import ModelNeeds
from fooocus_api.tasks.queue.scheduler import QueueEntry, Scheduler
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.support.hosts.host_worker import AsyncTask


def needs(checkpoint: str) -> ModelNeeds:
    return ModelNeeds((checkpoint, "None", "Default (model)"))


def explained(scheduler: Scheduler) -> list[tuple[object, str, str | None]]:
    found = []
    while (entry := scheduler.next(0.0)) is not None:
        pick = scheduler.explain(entry)
        found.append((entry.key, pick.reason.value, pick.turn_of))
        scheduler.discard(entry)
    return found


def test_each_rule_is_named() -> None:
    scheduler = Scheduler(loaded=needs("a"))
    for entry in (
        QueueEntry("old", "x", needs=needs("b")),
        QueueEntry("loaded", "x", needs=needs("a")),
        QueueEntry("other", "y", needs=needs("b")),
        QueueEntry("high", "x", priority=1),
        QueueEntry("first", "x", front=True),
        QueueEntry("fixed", "x", front=True, fixed=Pick(Reason.TURN, "x")),
    ):
        scheduler.add(entry)
    assert explained(scheduler) == [
        ("first", "moved", None),
        ("fixed", "turn", "x"),
        ("high", "priority", None),
        ("other", "turn", "y"),
        ("old", "arrival", None),
        ("loaded", "arrival", None),
    ]
    scheduler = Scheduler(loaded=needs("a"))
    for entry in (QueueEntry("old", needs=needs("b")), QueueEntry("loaded", needs=needs("a"))):
        scheduler.add(entry)
    assert explained(scheduler) == [("loaded", "model", None), ("old", "arrival", None)]


def test_in_order_of_arrival_nothing_else_counts() -> None:
    scheduler = Scheduler(fifo=True)
    for entry in (QueueEntry("a", "x"), QueueEntry("b", "y", priority=5)):
        scheduler.add(entry)
    assert explained(scheduler) == [("a", "arrival", None), ("b", "arrival", None)]


@pytest.mark.parametrize("seed", range(20))
def test_a_reason_is_true_of_what_waits(seed: int) -> None:
    """Compare each reason with a walk over all that wait."""
    chance = random.Random(seed)
    scheduler = Scheduler(loaded=needs("a"))
    waiting = [
        QueueEntry(
            number,
            chance.choice("xyz"),
            chance.choice([0, 0, 1]),
            last=chance.random() < 0.1,
            needs=chance.choice([None, needs("a"), needs("b")]),
        )
        for number in range(60)
    ]
    for pending in waiting:
        scheduler.add(pending)
    while (entry := scheduler.next(0.0)) is not None:
        older = [one for one in waiting if one.key < entry.key and not one.last]
        pick = scheduler.explain(entry)
        assert pick.reason is _reason(entry, older)
        assert pick.turn_of == (entry.source if pick.reason is Reason.TURN else None)
        if entry.last:
            assert not older
        scheduler.discard(entry)
        waiting.remove(entry)
    assert not waiting


def _reason(entry: QueueEntry, older: Sequence[QueueEntry]) -> Reason:
    if entry.last:
        return Reason.MOVED
    if any(one.priority < entry.priority for one in older):
        return Reason.PRIORITY
    if any(one.source != entry.source for one in older):
        return Reason.TURN
    return Reason.MODEL if older else Reason.ARRIVAL


def test_the_end_is_behind_all_that_wait() -> None:
    scheduler = Scheduler()
    for entry in (QueueEntry("a", "x"), QueueEntry("b", "x"), QueueEntry("end", "y", last=True), QueueEntry("c", "z")):
        scheduler.add(entry)
    assert [key for key, *_ in explained(scheduler)] == ["a", "c", "b", "end"]


def task(number: int, source: str = "api") -> QueuedTask:
    return QueuedTask(f"{number:032x}", AsyncTask, QueueEntry(None, source))


def ids(*numbers: int) -> list[str]:
    return [f"{number:032x}" for number in numbers]


@pytest.fixture
def tasks() -> TaskQueue:
    return TaskQueue(Worker(EventBus()), [])


def test_a_move_fixes_the_order_up_to_the_place(tasks: TaskQueue) -> None:
    for number in range(3):
        tasks.append_task(task(number, "a"))
    job = WorkerJob(lambda: None)
    tasks.append_job(job)
    tasks.append_task(task(3, "b"))
    assert tasks.worker.order.task_ids() == ids(0, 3, 1, 2)
    assert tasks.worker.order.move_before(*ids(2, 1)) == ids(0, 3, 2)
    assert tasks.worker.order.task_ids() == ids(0, 3, 2, 1)
    assert [pick.reason for task_id, pick in tasks.worker.order.picks() if task_id == ids(2)[0]] == [Reason.MOVED]
    tasks.append_task(task(4, "c"))
    assert tasks.worker.order.task_ids() == ids(0, 3, 2, 4, 1), "what comes later has no turn before the moved one"
    items = [item.task_id if isinstance(item, QueuedTask) else item for item in tasks]
    assert items[:4] == [*ids(0), job, *ids(3, 2)], "a job keeps its place"
    assert tasks.worker.order.move_before(*ids(7, 1)) is None and tasks.worker.order.move_before(*ids(1, 7)) is None


def test_a_paused_queue_gives_clicks_and_jobs(tasks: TaskQueue) -> None:
    worker = tasks.worker
    tasks.append_task(task(1))
    tasks.append_task(task(2, "tools"))  # a key may have the name that jobs have as their source
    tasks.worker.order.pause(True)
    popped: list[object] = []
    worker.thread = threading.Thread(target=lambda: popped.append(tasks.pop(0)), daemon=True)
    worker.thread.start()
    ran = threading.Event()
    tasks.append_job(WorkerJob(ran.set))
    assert ran.wait(10) and popped == []
    click = AsyncTask()
    tasks.append(click)
    worker.thread.join(10)
    assert popped == [click] and tasks.worker.order.task_ids() == ids(1, 2)
    tasks.worker.order.pause(False)
    worker.thread = threading.Thread(target=lambda: popped.append(tasks.pop(0)), daemon=True)
    worker.thread.start()
    worker.thread.join(10)
    assert len(popped) == 2 and tasks.worker.order.task_ids() == ids(2)


def test_a_click_is_predicted_before_what_is_held_back(tasks: TaskQueue) -> None:
    tasks.append_task(task(1))
    tasks.append(AsyncTask())
    assert tasks.worker.order.task_ids()[0] == ids(1)[0]
    tasks.worker.order.pause(True)
    assert tasks.worker.order.task_ids()[1] == ids(1)[0] and len(tasks.worker.order.task_ids()) == 2


def test_the_idle_worker_waits_for_an_item(tasks: TaskQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fooocus_api.adapters.worker.task_queue.MAX_WAIT_S", 60)
    found: list[int] = []
    tasks.worker.thread = threading.Thread(target=lambda: found.append(len(tasks)), daemon=True)
    tasks.worker.thread.start()
    tasks.worker.thread.join(0.2)
    assert found == [] and len(tasks) == 0 and not tasks, "other threads have an answer at once"
    tasks.append_task(task(1))
    tasks.worker.thread.join(30)
    assert found == [1]
    tasks.worker.thread = threading.current_thread()
    assert len(tasks) == 1
    assert tasks.remove_task(ids(1)[0]) is not None
    tasks.worker.take(AsyncTask())
    assert len(tasks) == 0, "a busy worker does not wait"


def test_a_task_that_moves_is_always_found(tasks: TaskQueue) -> None:
    for number in range(3):
        tasks.append_task(task(number))
    over = threading.Event()

    def move() -> None:
        while not over.is_set():
            for change in (tasks.worker.order.move_to_front, tasks.worker.order.move_to_end):
                for task_id in ids(0, 1, 2):
                    change(task_id)

    mover = threading.Thread(target=move, daemon=True)
    mover.start()
    try:
        found = [tasks.worker.order.find(task_id) is not None for _ in range(5000) for task_id in ids(0, 1, 2)]
    finally:
        over.set()
        mover.join(30)
    assert all(found) and sorted(item.task_id for item in tasks) == ids(0, 1, 2)
    assert tasks.remove_task(ids(1)[0]) is not None and tasks.remove_task(ids(1)[0]) is None
