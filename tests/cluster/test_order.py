"""The order of the waiting tasks in each process's memory: that of their ranks, however late a row is read."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import pytest

from fooocus_api.cluster.control.engine import ClusterEngine
from fooocus_api.cluster.control.order import ClusterOrder
from fooocus_api.cluster.control.remote import RemoteTasks
from fooocus_api.cluster.jobs.task_jobs import Claims
from fooocus_api.cluster.nodes.offered import OfferedFiles
from fooocus_api.cluster.nodes.registry import NodeRecord
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.tasks.model.active_tasks import ActiveTasks
from fooocus_api.tasks.model.task import Task
from fooocus_api.tasks.model.workload.workload import ModelNeeds, Workload
from fooocus_api.tasks.overview.queue_view import QueueViews
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tasks.queue.eta import EtaCalculator
from fooocus_api.tasks.queue.scheduler import Scheduler
from fooocus_api.tests.support.fakes.fake_engine import CountingBus, Machine

MODELS = ("a", "b", "c")
Result = TypeVar("Result")


def task(number: int, rank: int | None = None, *, last: bool = False, source: str = "api") -> Task:
    made = Task(f"{number:032x}", source, {}, id=number, rank=number if rank is None else rank)
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


def needing(model: str, lora: str | None = None) -> Workload:
    return Workload(ModelNeeds((model, "None"), frozenset({(lora, 1.0)} if lora else ())))


def stranded(order: ClusterOrder, source: str | None = None) -> list[int]:
    return [int(task_id, 16) for task_id in order.stranded(source, 200)]


def test_a_task_whose_files_no_node_has_is_before_no_other(order: ClusterOrder) -> None:
    order.add(task(1), needing("a"))
    order.add(task(2), needing("b"))
    order.add(task(3), needing("a", "lora"))
    order.add(task(4, source="shop"), needing("b"))
    assert numbers(order) == [1, 4, 2, 3] and stranded(order) == []  # nothing is known of the nodes yet
    lost, back = order.offer([frozenset({"a", "x"}), frozenset({"lora"})])
    assert sorted(lost) == [f"{number:032x}" for number in (2, 3, 4)] and back == []
    assert numbers(order) == [1] and stranded(order) == [2, 3, 4]
    assert stranded(order, "shop") == [4] and order.stranded(None, 1) == [f"{2:032x}"]
    assert order.place(f"{2:032x}") is None and not order.move_to_front(f"{2:032x}")
    order.add(task(5), needing("b"))
    order.add(task(6), Workload())
    assert numbers(order) == [1, 6] and stranded(order) == [2, 3, 4, 5]
    assert order.offer([frozenset({"a", "x"}), frozenset({"lora"})]) == ([], [])
    assert order.offer([frozenset({"a", "lora"})]) == ([], [f"{3:032x}"])  # both files at one node
    assert numbers(order) == [1, 3, 6]
    assert order.discard(f"{5:032x}") and stranded(order) == [2, 4]
    order.offer(None)
    assert sorted(numbers(order)) == [1, 2, 3, 4, 6] and stranded(order) == []


def test_a_view_lists_tasks_without_a_node_behind_those_in_line(order: ClusterOrder, tmp_path: Path) -> None:
    bus, active = CountingBus(), ActiveTasks()
    machine = Machine(bus, FileJournal(tmp_path / "unfinished"), tmp_path)
    engine = ClusterEngine(machine, order, Claims(), cast(RemoteTasks, None), bus.emit)
    views = QueueViews(active, engine, EtaCalculator(active, engine, Estimator(), lambda: ["node"]))
    downloading, not_in_line = task(2), task(5)
    downloading.downloads = not_in_line.downloads = [{"url": "http://127.0.0.1/b", "path": "b"}]
    for one in (task(1, source="shop"), downloading, task(3), task(4, source="shop"), not_in_line):
        workload = needing("a" if one.id == 4 else "b")
        active.add(one, workload)
        if one is not not_in_line:
            order.add(one, workload)
    order.offer([frozenset("a")])

    def seen(only: str | None) -> list[tuple[int, int | None, str]]:
        return [(one.task.id, one.position, one.pick.reason.value) for one in views.view(only).waiting]

    aside = [(1, None, "no_node"), (3, None, "no_node"), (2, None, "download"), (5, None, "download")]
    assert seen(None) == [(4, 0, "arrival"), *aside]
    assert seen("shop") == [(4, 0, "arrival"), aside[0]] and seen("api") == aside[1:]
    assert views.view("api").others.ahead == 2
    order.offer([frozenset("ab")])
    assert {one[2] for one in seen("shop")} == {"arrival", "turn"}


def test_a_click_in_a_webui_waits_for_its_own_process(order: ClusterOrder) -> None:
    order.offer([frozenset("a")])
    order.add(task(1, source="webui"), needing("b"))
    assert numbers(order) == [1] and stranded(order) == []


def test_a_task_that_was_moved_while_no_node_has_its_files_comes_back_to_its_new_place(order: ClusterOrder) -> None:
    for number in (1, 2, 3):
        order.add(task(number), needing("a" if number < 3 else "b"))
    assert order.move_to_front(f"{3:032x}")
    order.offer([frozenset("a")])
    assert stranded(order) == [3] and order.is_misplaced(f"{3:032x}")
    order.add(task(3, -1), needing("b"))
    assert stranded(order) == [3] and not order.is_misplaced(f"{3:032x}")
    order.add(task(2, -5), needing("a"))
    order.offer([frozenset("ab")])
    assert numbers(order) == [2, 3, 1]


def test_a_node_that_was_faster_than_its_catalogue_takes_the_task(order: ClusterOrder) -> None:
    order.offer([frozenset("a")])
    order.add(task(1), needing("b"))
    order.picked(f"{1:032x}")
    assert stranded(order) == [] and not order.discard(f"{1:032x}")
    order.offer(None)
    assert numbers(order) == []


@pytest.mark.parametrize("seed", range(30))
def test_the_order_is_that_of_the_tasks_that_a_node_can_take(seed: int) -> None:
    chance, order = random.Random(seed), ClusterOrder(Scheduler(fifo=True), lambda _: None)
    waiting: dict[str, tuple[Task, str]] = {}
    nodes = [frozenset(MODELS)]
    for number in range(1, 60):
        if waiting and chance.random() < 0.3:
            task_id = chance.choice(list(waiting))
            del waiting[task_id]
            chance.choice((order.discard, order.picked))(task_id)
        if chance.random() < 0.3:
            nodes = [frozenset(chance.sample(MODELS, chance.randint(0, 2))) for _ in range(2)]
            order.offer(nodes)
        rank = chance.choice((number, number, -number))
        one, model = task(number, rank, last=rank > 0 and chance.random() < 0.1), chance.choice(MODELS)
        waiting[one.task_id] = one, model
        order.add(one, needing(model))
        fresh = ClusterOrder(Scheduler(fifo=True), lambda _: None)
        for other, needed in waiting.values():
            if any(needed in node for node in nodes):
                fresh.add(other, needing(needed))
        assert order.task_ids() == fresh.task_ids()
        aside = {task_id for task_id, (_, needed) in waiting.items() if not any(needed in node for node in nodes)}
        assert set(order.stranded(None, 200)) == aside


def node(name: str, state: str = "idle", digest: str = "1", role: str = "node") -> NodeRecord:
    return NodeRecord(name, role, 1, "", "", 0, 0.0, state, (), "", {}, digest)


def run_here(query: Callable[[], Result]) -> Result:
    return query()


def test_the_files_that_count_are_those_of_the_living_nodes() -> None:
    files = {"one": frozenset("a"), "two": frozenset("b"), "gone": frozenset("c")}
    asked: list[str] = []

    def read(name: str) -> frozenset[str] | None:
        asked.append(name)
        return files.get(name)

    offered = OfferedFiles(read)
    one, two, gone = node("one"), node("two", "full"), node("gone", "lost")
    gateway = node("gateway", digest="", role="gateway")
    for _ in range(2):
        assert offered.look([one, two, gone, gateway], run_here) == [frozenset("a"), frozenset("b")]
    assert asked == ["one", "two"]  # a catalogue with the same digest is not read again
    files["two"] = frozenset("bc")
    assert offered.look([one, replace(two, digest="2")], run_here) == [frozenset("a"), frozenset("bc")]
    assert offered.look([one, replace(two, digest="", state="starting")], run_here) is None  # it may have anything
    assert offered.look([one, node("unwritten")], run_here) is None
    assert offered.look([gone, gateway, node("two", "stopped"), node("one", "draining")], run_here) is None
