"""Moves pending tasks in the queue, so that a restart keeps the new order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from ..model.active_tasks import ActiveTasks
from ..ports.engine import Engine
from ..storage.stored_order import StoredOrder

Outcome = TypeVar("Outcome")
NOT_IN_QUEUE = "does not wait in the queue; move only a pending task whose model files are there"
"""The end of the message about a task that can't be moved, after its id."""


class NotInOrder(Exception):
    """The task is behind those whose order is predicted, so that no place before it is known."""


class TaskMoves:
    """Moves in the host's queue first, as the worker may take a task at any time, and then in the database, in the same order."""

    def __init__(self, active: ActiveTasks, engine: Engine, order: StoredOrder) -> None:
        self._active = active
        self._engine = engine
        self._order = order
        self._lock = threading.Lock()

    async def to_front(self, task_ids: Sequence[str]) -> set[str]:
        """Move pending tasks to the front of the queue, in this order. Return those that were in the queue.

        Raises:
            DatabaseUnavailable: a restart will not keep the move.
        """
        return set(await self._moved(lambda: self._move_to_front(task_ids), self._order.put_first) or ())

    async def to_end(self, task_id: str) -> bool:
        """Move a pending task behind all that are in the queue now. Return False if it is not in the queue.

        Raises:
            DatabaseUnavailable: a restart will not keep the move.
        """
        live = self._active.get(task_id)
        if live is None:
            return False
        task = live.task
        return bool(
            await self._moved(lambda: self._engine.order.move_to_end(task_id), lambda _: self._order.put_last(task))
        )

    async def before(self, task_id: str, before: str) -> bool:
        """Move a pending task to the place before another one. Those up to there keep their present order, so that later tasks
        of a higher priority come behind them. Return False if one of the two is not in the queue.

        Raises:
            NotInOrder: `before` is behind the tasks whose order is predicted.
            DatabaseUnavailable: a restart will not keep the move.
        """
        order = await self._moved(lambda: self._engine.order.move_before(task_id, before), self._order.put_first)
        if order is None:
            places = await asyncio.to_thread(lambda: [self._engine.order.place(one) for one in (task_id, before)])
            if None not in places:
                raise NotInOrder(before)
            return False
        return True

    async def _moved(
        self, move: Callable[[], Outcome | None], store: Callable[[Outcome], Future[None]]
    ) -> Outcome | None:
        """Move in the queue and then, unless nothing was moved, in the database. Return what `move` returns.

        Raises:
            DatabaseUnavailable: a restart will not keep the move.
        """

        def run() -> tuple[Outcome | None, Future[None] | None]:
            with self._lock:  # so that two moves at once come to the database in the order in which the queue had them
                moved = move()
                return moved, store(moved) if moved else None

        moved, stored = await asyncio.to_thread(run)
        if stored is not None:
            await asyncio.wrap_future(stored)
        return moved

    def _move_to_front(self, task_ids: Sequence[str]) -> list[str]:
        return [task_id for task_id in reversed(task_ids) if self._engine.order.move_to_front(task_id)][::-1]
