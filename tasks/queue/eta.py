"""Queue positions and ETAs of pending and running tasks. Not on an event loop."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..model.active_tasks import ActiveTasks
from ..model.outlook import NO_OUTLOOK, Outlook
from ..model.task import Task, TaskStatus
from ..model.workload.workload import ModelNeeds, Workload
from ..ports.engine import Engine
from .elsewhere import RunsElsewhere
from .estimator import Estimator

Seconds = Callable[[Workload, ModelNeeds | None], float | None]
"""Returns the seconds of a task if these models are in memory, None without measurements."""
Place = tuple[float, ModelNeeds | None]
"""The seconds until a node is free, and the models that it has in memory then."""
VALID_S = 1.0
"""Seconds for which the places of a cluster's tasks count: its nodes come and go."""


@dataclass(frozen=True)
class QueueSnapshot:
    """Places of the next tasks: id → number of tasks ahead, and seconds from the end of the running task to its own end. In a
    cluster, they are the seconds from `taken_s` to its end, on the node that is free first.

    `mean_s` is the mean of their seconds, for the tasks behind them; None without measurements. Valid as long as the queue has
    this `order` and the estimator this `version`.
    """

    order: list[str]
    version: int
    places: dict[str, tuple[int, float | None]]
    mean_s: float | None
    taken_s: float = 0.0

    def behind(self, position: int) -> tuple[int, float | None]:
        """Return the place of a task behind the next ones. A sum over all of them would cost more with each pending task."""
        return position, None if self.mean_s is None else self.mean_s * (position + 1)


class EtaCalculator:
    """Computes outlooks from the queue's order and the estimator's measurements."""

    def __init__(
        self,
        active: ActiveTasks,
        engine: Engine,
        estimator: Estimator,
        serving: Callable[[], Sequence[str]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the dependencies.

        Args:
            serving: returns the names of the cluster's nodes that take tasks. None without a cluster.
        """
        self._active = active
        self._engine = engine
        self._estimator = estimator
        self._serving = serving
        self._clock = clock
        self.elsewhere = RunsElsewhere(estimator, clock)
        """Observes the tasks of other processes."""
        self._lock = threading.Lock()
        self._generation = 0
        self._known = QueueSnapshot([], -1, {}, None)

    def outlook(self, task: Task) -> Outlook:
        """Return a task's outlook."""
        if task.status is TaskStatus.RUNNING:
            return Outlook(eta_seconds=_rounded(self.elsewhere.remaining(task)))
        if task.status is not TaskStatus.PENDING:
            return NO_OUTLOOK
        snapshot = self._snapshot()
        place = self._place(snapshot, task.task_id)
        if place is not None:
            return _outlook(place, self._until_free(snapshot))
        return self._outlook_of_taken(task) if self._engine.in_hand() == task.task_id else NO_OUTLOOK

    def outlooks(self, task_ids: Iterable[str]) -> dict[str, Outlook]:
        """Return the outlooks of these tasks by id, without those that are not in the queue."""
        snapshot = self._snapshot()
        free = self._until_free(snapshot)
        return {task_id: _outlook(place, free) for task_id in task_ids if (place := self._place(snapshot, task_id))}

    def seconds(self, workload: Workload) -> float | None:
        """Return the seconds of a task after the last one, from its start to its end; None without measurements."""
        return self.elsewhere.seconds(workload, self._estimator.loaded)

    def nodes(self) -> int:
        """Return the number of nodes that take tasks; 1 without a cluster, and if there is none for the moment."""
        return 1 if self._serving is None else max(1, len(self._serving()))

    def _place(self, snapshot: QueueSnapshot, task_id: str) -> tuple[int, float | None] | None:
        """Return a task's place, None if it is not in the queue."""
        place = snapshot.places.get(task_id)
        if place is None and (position := self._engine.order.place(task_id)) is not None:
            place = snapshot.behind(position)
        return place

    def _outlook_of_taken(self, task: Task) -> Outlook:
        """Return the outlook of a task that the worker has taken. Its `Started` event may still be on its way."""
        running = self._active.running()
        if running is not None and running.task_id == task.task_id:
            return Outlook(0, _rounded(self._estimator.remaining(running)))
        live = self._active.get(task.task_id)
        seconds = None if live is None else self._estimator.seconds(live.workload, self._estimator.loaded)
        return _outlook((0, seconds), 0.0)

    def _until_free(self, snapshot: QueueSnapshot) -> float | None:
        """Return the seconds until the running task ends: 0 without one, None without measurements or while the queue is
        paused. In a cluster, whose places begin when the snapshot was taken, it is the time since then, negative."""
        if self._engine.order.is_paused():
            return None
        if self._serving is not None:
            return snapshot.taken_s - self._clock()
        running = self._active.running()
        return 0.0 if running is None else self._estimator.remaining(running)

    def _snapshot(self) -> QueueSnapshot:
        """Return the current places. Callers that arrive during a computation share the next one: otherwise each request of
        a flood, as each changes the queue, would predict its order again."""
        generation = self._generation
        with self._lock:
            if self._generation == generation:
                self._generation += 1
                order, version = self._engine.order.task_ids(), self._estimator.version
                if order is not self._known.order or version != self._known.version or self._is_old():
                    self._known = self._compute(order, version)
            return self._known

    def _is_old(self) -> bool:
        return self._serving is not None and self._clock() - self._known.taken_s > VALID_S

    def _compute(self, order: list[str], version: int) -> QueueSnapshot:
        lives = [self._active.get(task_id) for task_id in order]
        workloads = [None if live is None else live.workload for live in lives]
        ends = ends_of(workloads, self._free(), self.elsewhere.seconds)
        last = max((end for end in ends if end is not None), default=None)
        mean = None if last is None or ends[-1] is None else last / len(order)
        places = {task_id: (position, ends[position]) for position, task_id in enumerate(order)}
        return QueueSnapshot(order, version, places, mean, self._clock())

    def _free(self) -> list[Place]:
        """Return when each node is free. Without a cluster the one node is, since its places begin at the end of its task."""
        if self._serving is None:
            return [(0.0, self._estimator.loaded)]
        running = {task.node: task for task in self._active.started(lambda live: live.ending is None)}
        free: list[Place] = []
        for name in self._serving():
            task = running.get(name)
            live = None if task is None else self._active.get(task.task_id)
            if task is None or live is None:
                free.append((0.0, self._estimator.loaded))
            elif (left := self.elsewhere.remaining(task)) is not None:
                free.append((left, live.workload.needs))
        return free


def ends_of(workloads: Iterable[Workload | None], free: Iterable[Place], seconds: Seconds) -> list[float | None]:
    """Return the seconds until each task ends, if each is taken in turn by the node that is free first.

    None from the first task on whose seconds are unknown, and for all if no node is ever free.
    """
    nodes = [(until, number, loaded) for number, (until, loaded) in enumerate(free)]
    heapq.heapify(nodes)
    ends: list[float | None] = []
    for workload in workloads:
        if not nodes:
            ends.append(None)
            continue
        until, number, loaded = nodes[0]
        needed = None if workload is None else seconds(workload, loaded)
        if workload is None or needed is None:
            nodes = []
            ends.append(None)
            continue
        ends.append(until + needed)
        heapq.heapreplace(nodes, (until + needed, number, workload.needs))
    return ends


def _outlook(place: tuple[int, float | None], free: float | None) -> Outlook:
    position, seconds = place
    return Outlook(position, None if free is None or seconds is None else _rounded(max(0.0, free + seconds)))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
