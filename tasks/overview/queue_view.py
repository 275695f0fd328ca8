"""The queue as a client may see it: the running tasks, the next waiting ones with the reasons for their places, and counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from ..model.active_tasks import ActiveTask, ActiveTasks
from ..model.pick import DOWNLOADING, OLDEST, STRANDED, Pick
from ..model.task import Task, TaskStatus
from ..ports.engine import Engine
from ..queue.eta import EtaCalculator

MAX_WAITING = 200
"""Waiting tasks in one view."""


@dataclass(frozen=True)
class Waiting:
    """A waiting task: the number of all tasks before it, None while it is not in line, and the seconds until its end."""

    task: Task
    position: int | None
    eta_seconds: float | None
    pick: Pick


@dataclass(frozen=True)
class Others:
    """The tasks that the client may not see. `ahead` of them come before its own first one; all of them if it has none."""

    running: int = 0
    waiting: int = 0
    ahead: int = 0


@dataclass(frozen=True)
class QueueView:
    """The queue. `waiting` has the next `MAX_WAITING` tasks in their predicted order, `waiting_total` is the number of all."""

    paused: bool
    running: list[Task]
    waiting: list[Waiting]
    waiting_total: int
    others: Others


class QueueViews:
    """Views of the queue. Not on an event loop."""

    def __init__(
        self,
        active: ActiveTasks,
        engine: Engine,
        eta: EtaCalculator,
        is_downloading: Callable[[Task], bool] = lambda task: bool(task.downloads),
    ) -> None:
        """Store the dependencies.

        Args:
            is_downloading: returns whether the files that a task needs are being downloaded.
        """
        self._active = active
        self._engine = engine
        self._eta = eta
        self._is_downloading = is_downloading

    def view(self, only: str | None) -> QueueView:
        """Return the view of a client that may see the tasks of one source only; None if it may see all."""
        running = self._active.started(lambda live: only in (None, live.task.source))
        found = list(self._in_line(only))
        listed = [*found, *self._aside(only, MAX_WAITING - len(found))]
        outlooks = self._eta.outlooks([live.task.task_id for live, *_ in found])
        waiting = [
            Waiting(
                replace(live.task),
                position,
                outlook.eta_seconds if (outlook := outlooks.get(live.task.task_id)) else None,
                pick,
            )
            for live, position, pick in listed
        ]
        counts, own = self._active.counts(), self._active.pending_count(() if only is None else (only,))
        unseen = max(0, counts[TaskStatus.PENDING.value] - own)
        first = next((one.position for one in waiting if one.position is not None), None)
        others = Others(
            max(0, counts[TaskStatus.RUNNING.value] - len(running)),
            unseen,
            min(unseen, unseen if first is None else first),
        )
        return QueueView(self._engine.order.is_paused(), [replace(task) for task in running], waiting, own, others)

    def _in_line(self, only: str | None) -> Iterator[tuple[ActiveTask, int | None, Pick]]:
        """Yield the tasks in the queue, at most `MAX_WAITING`."""
        picks, number = self._engine.order.picks(), 0
        for position, (task_id, pick) in enumerate(picks):
            live = self._active.get(task_id)
            if live is not None and only in (None, live.task.source) and live.task.status is TaskStatus.PENDING:
                number += 1
                yield live, position, pick
        predicted = {task_id for task_id, _ in picks}
        for live in self._active.pending(() if only is None else (only,)):
            if number >= MAX_WAITING or len(predicted) < MAX_WAITING:
                return
            if (
                live.task.task_id not in predicted
                and (place := self._engine.order.place(live.task.task_id)) is not None
            ):
                number += 1
                yield live, place, OLDEST

    def _aside(self, only: str | None, most: int) -> list[tuple[ActiveTask, int | None, Pick]]:
        """Return the tasks that are not in line: those that no node can take, then those whose files are being downloaded by this
        process or by another one, which alone knows how far they are."""
        ids = self._engine.order.stranded(only, most) if most > 0 else ()
        lives = [live for task_id in ids if (live := self._active.get(task_id)) is not None]
        lives = [live for live in lives if live.task.status is TaskStatus.PENDING]
        downloaded = {live.task.task_id for live in lives if self._is_downloading(live.task)}
        coming = [live for live in lives if live.task.task_id in downloaded]
        coming += self._downloading(only, most - len(lives), ids)
        stranded = [live for live in lives if live.task.task_id not in downloaded]
        return [*((live, None, STRANDED) for live in stranded), *((live, None, DOWNLOADING) for live in coming)]

    def _downloading(self, only: str | None, most: int, but: Collection[str]) -> list[ActiveTask]:
        """Return the tasks that are not in line yet, because files that they need are missing, except `but`."""
        found = []
        for live in self._active.pending(() if only is None else (only,)) if most > 0 else ():
            task = live.task
            if task.downloads and task.task_id not in but and self._engine.order.place(task.task_id) is None:
                found.append(live)
                if len(found) == most:
                    break
        return found
