"""Places in a queue of thousands: exact behind the predicted tasks, and in step with the order in which tasks are picked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fooocus_api.tasks.queue.pending_queue import REFRESH_S, PendingQueue, predict
from fooocus_api.tasks.queue.scheduler import QueueEntry, Scheduler


class Clock:
    """A clock that stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def entry(number: int, source: str = "api", front: bool = False) -> QueueEntry:
    return QueueEntry(object(), source, front=front, task_id=f"{number:032x}")


def ids(*numbers: int) -> list[str]:
    return [f"{number:032x}" for number in numbers]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> PendingQueue:
    return PendingQueue(Scheduler(), clock)


@pytest.fixture
def order(queue: PendingQueue, clock: Clock) -> Callable[[], list[str]]:
    def predicted() -> list[str]:
        known = queue.known()
        if known is None:
            snapshot, version = queue.snapshot()
            known = predict(snapshot, clock())
            queue.remember(known, version)
        return known.task_ids

    return predicted


def place(queue: PendingQueue, number: int, clock: Clock) -> int | None:
    return queue.place(f"{number:032x}", predict(queue.snapshot()[0], clock()))


def test_behind_the_predicted_ones_a_task_has_the_place_of_its_arrival(queue: PendingQueue, clock: Clock) -> None:
    entries = [entry(number) for number in range(3000)]
    for pending in entries:
        queue.add(pending)
    assert place(queue, 2500, clock) == 2500
    queue.discard(entries[1500].key)
    queue.discard(entries[7].key)
    assert place(queue, 2500, clock) == 2498
    assert place(queue, 1500, clock) is None
    queue.add(entry(9999, front=True), first=True)
    assert place(queue, 2500, clock) == 2499


def test_a_flood_does_not_hide_who_comes_next(
    queue: PendingQueue, clock: Clock, order: Callable[[], list[str]]
) -> None:
    """Let a browser's task arrive behind thousands: it is predicted as the next one after at most the refresh time."""
    for number in range(2000):
        queue.add(entry(number))
    taken = queue.next()
    assert taken is not None
    queue.discard(taken.key)
    assert order()[0] == ids(1)[0]
    queue.add(entry(5555, "webui"))
    assert order()[0] == ids(1)[0], "the prediction of a long queue stays for a moment"
    clock.now += REFRESH_S
    assert order()[:2] == ids(5555, 1)
    assert place(queue, 1999, clock) == 1999


def test_a_short_queue_is_predicted_again_after_each_arrival(
    queue: PendingQueue, order: Callable[[], list[str]]
) -> None:
    queue.add(entry(1))
    assert order() == ids(1)
    queue.add(entry(2, "webui"))
    assert order() == ids(1, 2)
    queue.add(QueueEntry(object(), "tools"))
    assert order() == ids(1, 2), "a job is no task"


def test_another_scheduler_takes_the_entries_over(queue: PendingQueue, order: Callable[[], list[str]]) -> None:
    for number in range(3):
        queue.add(entry(number, "a"))
    queue.add(entry(3, "b"))
    queue.add(entry(4, front=True), first=True)
    assert order() == ids(4, 0, 3, 1, 2)
    queue.use(Scheduler(fifo=True))
    assert order() == ids(4, 0, 1, 2, 3)


def test_a_prediction_made_during_a_change_is_not_kept(queue: PendingQueue, clock: Clock) -> None:
    queue.add(first := entry(1))
    snapshot, version = queue.snapshot()
    queue.discard(first.key)
    queue.remember(predict(snapshot, clock()), version)
    assert queue.known() is None
