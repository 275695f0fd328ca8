"""Moves pending tasks in the queue, so that a restart keeps the new order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..model.active_tasks import ActiveTasks
from ..ports.engine import Engine
from ..storage.stored_order import StoredOrder


class NotInOrder(Exception):
    """The task is behind those whose order is predicted, so that no place before it is known."""


class TaskMoves:
    """Moves in the host's queue first, as the worker may take a task at any time, and then in the database."""

    def __init__(self, active: ActiveTasks, engine: Engine, order: StoredOrder) -> None:
        self._active = active
        self._engine = engine
        self._order = order

    async def to_front(self, task_ids: Sequence[str]) -> set[str]:
        """Move pending tasks to the front of the queue, in this order. Return those that were in the queue.

        Raises:
            DatabaseUnavailable: a restart will not keep the move.
        """
        moved = await asyncio.to_thread(self._move_to_front, task_ids)
        if moved:
            await asyncio.wrap_future(self._order.put_first(moved))
        return set(moved)

    async def to_end(self, task_id: str) -> bool:
        """Move a pending task behind all that are in the queue now. Return False if it is not in the queue.

        Raises:
            DatabaseUnavailable: a restart will not keep the move.
        """
        live = self._active.get(task_id)
        if live is None or not await asyncio.to_thread(self._engine.move_to_end, task_id):
            return False
        await asyncio.wrap_future(self._order.put_last(live.task))
        return True

    async def before(self, task_id: str, before: str) -> bool:
        """Move a pending task to the place before another one. Those up to there keep their present order, so that later tasks
        of a higher priority come behind them. Return False if one of the two is not in the queue.

        Raises:
            NotInOrder: `before` is behind the tasks whose order is predicted.
            DatabaseUnavailable: a restart will not keep the move.
        """
        order = await asyncio.to_thread(self._engine.move_before, task_id, before)
        if order is None:
            places = await asyncio.to_thread(lambda: [self._engine.place(one) for one in (task_id, before)])
            if None not in places:
                raise NotInOrder(before)
            return False
        await asyncio.wrap_future(self._order.put_first(order))
        return True

    def _move_to_front(self, task_ids: Sequence[str]) -> list[str]:
        return [task_id for task_id in reversed(task_ids) if self._engine.move_to_front(task_id)][::-1]
