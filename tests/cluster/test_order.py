"""The order of the waiting tasks in each process's memory: that of their ranks, however late a row is read."""

from __future__ import annotations

import random

import pytest

from fooocus_api.cluster.control.order import ClusterOrder
from fooocus_api.tasks.model.task import Task
from fooocus_api.tasks.model.workload.workload import Workload
from fooocus_api.tasks.queue.scheduler import Scheduler


def task(number: int, rank: int | None = None, *, last: bool = False) -> Task:
    made = Task(f"{number:032x}", "api", {}, id=number, rank=number if rank is None else rank)
    if last:
        made.note_move_to_end()
    return made


def numbers(order: ClusterOrder) -> list[int]:
    return [int(task_id, 16) for task_id in order.task_ids()]


@pytest.fixture
def moved() -> list[str]:
    return []


@pytest.fixture
def order(moved: list[str]) -> ClusterOrder:
    return ClusterOrder(Scheduler(), moved.append)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_the_ranks_however_the_rows_come(order: ClusterOrder, seed: int) -> None:
    tasks = [task(number) for number in range(1, 13)] + [task(20 + number, -number) for number in range(4)]
    tasks.append(task(30, 12, last=True))
    random.Random(seed).shuffle(tasks)
    for one in tasks:
        order.add(one, Workload())
    assert numbers(order) == [23, 22, 21, 20, *range(1, 13), 30]


def test_what_was_picked_or_moved_stays_where_it_is(order: ClusterOrder, moved: list[str]) -> None:
    for number in (1, 2, 4, 5):
        order.add(task(number), Workload())
    assert order.move_to_front(f"{5:032x}") and moved == [f"{5:032x}"]
    order.picked(f"{2:032x}")
    order.add(task(3), Workload())
    assert numbers(order) == [5, 1, 3, 4]
    order.add(task(5, -1), Workload())
    order.add(task(4, -2), Workload())
    assert numbers(order) == [4, 5, 1, 3]
    assert order.discard(f"{4:032x}") and not order.discard(f"{4:032x}")
    assert numbers(order) == [5, 1, 3]


def test_a_task_whose_place_was_forgotten_has_it_again(order: ClusterOrder) -> None:
    for number in (1, 2, 3):
        order.add(task(number), Workload())
    assert order.move_to_end(f"{3:032x}") and order.is_misplaced(f"{3:032x}")
    order.add(task(3, last=True), Workload())
    assert not order.is_misplaced(f"{3:032x}") and not order.is_misplaced(f"{9:032x}")
    order.add(task(4, 1), Workload())
    assert numbers(order) == [1, 4, 2, 3]
