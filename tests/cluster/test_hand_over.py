"""The way of a claimed task to the worker, through the bus: the node claims no other one until it has arrived."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.cluster.claim import node_worker
from fooocus_api.cluster.claim.node_worker import LocalHost, NodeWorker
from fooocus_api.cluster.control.order import ClusterOrder
from fooocus_api.cluster.following.mirror import LocalWorker, Mirror
from fooocus_api.cluster.jobs.task_jobs import Claims
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tasks.lifecycle.notifier import QueueNotifier
from fooocus_api.tasks.model.active_tasks import ActiveTask, ActiveTasks
from fooocus_api.tasks.model.events import Event, Queued
from fooocus_api.tasks.model.task import Task, new_task_id
from fooocus_api.tasks.model.workload.workload import ModelNeeds, Workload
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tasks.queue.eta import EtaCalculator
from fooocus_api.tasks.queue.scheduler import Scheduler
from fooocus_api.tasks.streaming.broadcaster import Broadcaster
from fooocus_api.tests.support.fakes.fake_engine import CountingBus, Machine


class NodeMachine(Machine):
    """Implements `LocalEngine`."""

    def hand_over(self, task: Task, workload: Workload) -> None:
        if task.parameters.get("wrong"):
            raise ValueError("the host refuses it")
        self.queue.append(task.task_id)

    def is_free(self) -> bool:
        return not self.queue and self.current is None

    def loaded(self) -> ModelNeeds | None:
        return None


class Node:
    """A node's worker and mirror around a bus that a test holds up."""

    def __init__(self, folder: Path) -> None:
        self.bus, self.claims, self.gate = CountingBus(), Claims(), threading.Event()
        machine = NodeMachine(self.bus, FileJournal(folder / "unfinished"), folder)
        self.machine, active, events = machine, ActiveTasks(), Broadcaster()
        host = LocalHost(machine, lambda: None, list, lambda: None, InputStore(folder / "inputs"))
        self.worker = NodeWorker(host, self.bus.emit)
        mirror = Mirror(
            active,
            ClusterOrder(Scheduler(), lambda _: None),
            self.claims,
            QueueNotifier(active, events, EtaCalculator(active, machine, Estimator())),
            LocalWorker(
                self.worker.take, self.worker.give_up, lambda _: False, lambda task: workload_of_a(machine, task)
            ),
            lambda _: None,
        )
        self.seen: list[Event] = []
        mirror.observe_with([self], lambda _: None)
        self.bus.start(self._wait, mirror.handle)

    def on_event(self, event: Event, active: ActiveTask | None) -> None:
        self.seen.append(event)

    def _wait(self, _: Event) -> None:
        self.gate.wait(30)

    def start(self, **parameters: object) -> None:
        """Hand a claimed task over."""
        task = Task(new_task_id(), "api", {"prompt": "a cat", **parameters})
        self.claims.add(task.task_id, 1)
        self.worker.start(task)


def workload_of_a(machine: Machine, task: Task) -> Workload:
    if task.parameters.get("unreadable"):
        raise ValueError("it has no workload")
    return machine.workload(task.parameters)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(node_worker, "HAND_OVER_S", 0.05)
    node = Node(tmp_path)
    yield node
    node.gate.set()
    node.bus.stop(30)


def test_a_node_is_not_free_while_a_claimed_task_is_on_its_way(node: Node) -> None:
    assert node.worker.is_free()
    node.start()
    assert node.machine.is_free() and not node.worker.is_free()
    node.gate.set()
    node.bus.settle()
    assert len(node.machine.queue) == 1 and not node.worker.is_free()
    assert [type(event) for event in node.seen] == [Queued], (
        "subscribers hear of a task that is claimed before its row is read"
    )
    node.machine.queue.clear()
    assert node.worker.is_free()


@pytest.mark.parametrize("parameters", [{"wrong": True}, {"unreadable": True}])
def test_a_node_is_free_again_after_a_task_that_could_not_be_handed_over(
    node: Node, parameters: dict[str, object]
) -> None:
    node.start(**parameters)
    assert not node.worker.is_free()
    node.gate.set()
    node.bus.settle()
    assert node.claims.task_ids() == [] and node.worker.is_free()
