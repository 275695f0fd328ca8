"""Lists of tasks: pending and running ones from memory, ended ones from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import islice

from ...db.repository import Repository
from ...db.statements.counts.days import by_day
from ...db.statements.counts.newest import MAX_FILTERED as MAX_FILTERED
from ...db.statements.counts.values import by_value
from ...db.statements.filters import Filter as Filter
from ..model.active_tasks import ActiveTask, ActiveTasks
from ..model.rows import from_row
from ..model.task import ACTIVE_STATUSES, Task, TaskStatus
from ..ports.engine import Engine


@dataclass(frozen=True)
class Page:
    """A page of matching tasks. `total` is the number of all matches, or the counting limit if `capped`."""

    tasks: list[Task]
    total: int
    capped: bool = False

    def without(self, others: Page) -> Page:
        """Return this page without the tasks of another one."""
        ids = {task.task_id for task in others.tasks}
        kept = [task for task in self.tasks if task.task_id not in ids]
        return replace(self, tasks=kept, total=self.total - len(self.tasks) + len(kept))


EMPTY_PAGE = Page([], 0)


class Order(Enum):
    """The order of the ended tasks: by the time they were queued, or by their end, the latest first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    FINISHED = "finished"


class History:
    """Read-only queries for tasks."""

    def __init__(self, repository: Repository, active: ActiveTasks, engine: Engine) -> None:
        self._repository = repository
        self._active = active
        self._engine = engine

    async def lists(
        self, which: Collection[str], criteria: Filter, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Page, Page, Page]:
        """Return pages of the ended, running and pending tasks. Those not in `which` (history, current, pending) are empty.

        Lists are read in the order of a task's life: one that changes its status in between is found twice instead of never,
        and counts in the last list. The times of `criteria` apply to the history only.
        """
        now = replace(criteria, start=None, end=None, finished_before=None)
        pending, current = await asyncio.to_thread(self._living, which, now, page, page_size)
        history = EMPTY_PAGE
        if "history" in which:
            history = await self.ended(criteria, page, page_size, order)
        return history, current.without(history), pending.without(current).without(history)

    async def ended(self, criteria: Filter, page: int, page_size: int, order: Order = Order.NEWEST) -> Page:
        """Return a page of the ended tasks in this order."""
        criteria = replace(criteria, exclude_statuses=ACTIVE_STATUSES)

        def read() -> Page:
            place = (page * page_size, page_size)
            if order is Order.FINISHED:
                rows, (total, capped) = self._repository.finished_page_and_count(criteria, *place)
            else:
                newest_first = order is Order.NEWEST
                rows, (total, capped) = self._repository.page_and_count(criteria, *place, newest_first=newest_first)
            return Page([from_row(row) for row in rows], total, capped)

        return await asyncio.wrap_future(self._repository.submit_read(read))

    def found(self, task_ids: Iterable[str]) -> Iterator[Task | None]:
        """Yield the tasks with these ids in their current state, None for an unknown id. Not on an event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        for task_id in task_ids:
            live = self._active.get(task_id)
            row = None if live is not None else self._repository.read(partial(self._repository.get, task_id))
            yield replace(live.task) if live is not None else None if row is None else from_row(row)

    async def days(self, criteria: Filter, offset_ms: int, order: Order) -> tuple[list[tuple[int, int]], bool]:
        """Return (day, number of ended tasks), the newest day first, and whether only the newest tasks were counted.

        Days are numbered from 1970-01-01 and begin `offset_ms` before midnight UTC. With Order.FINISHED they are those of the
        tasks' ends, else those of their queueing.
        """
        criteria = replace(criteria, exclude_statuses=ACTIVE_STATUSES)
        counting = partial(by_day, criteria, offset_ms, by_end=order is Order.FINISHED)
        return await asyncio.wrap_future(self._repository.submit_read(counting))

    async def values(self, criteria: Filter, most: int) -> tuple[dict[str, list[tuple[str, int]]], int, bool]:
        """Return (value, number of ended tasks) of the `most` frequent statuses, sources, models and tags, the number of tasks,
        and whether only the newest were counted."""
        criteria = replace(criteria, exclude_statuses=ACTIVE_STATUSES)
        return await asyncio.wrap_future(self._repository.submit_read(partial(by_value, criteria, most)))

    def _living(self, which: Collection[str], criteria: Filter, page: int, page_size: int) -> tuple[Page, Page]:
        pending = self.pending(criteria, page, page_size) if "pending" in which else EMPTY_PAGE
        current = self.running(criteria) if "current" in which else EMPTY_PAGE
        return pending, current

    def running(self, criteria: Filter) -> Page:
        """Return the running tasks, never in pages: at most one of each process, and earlier ones still being saved."""
        tasks = [replace(task) for task in self._active.started(_matching(criteria))]
        return Page(tasks, len(tasks))

    def pending(self, criteria: Filter, page: int, page_size: int) -> Page:
        """Return a page of the pending tasks, the next one first. Those behind the predicted ones are in order of arrival.

        Not on an event loop: words and models are compared with those of all of them.
        """
        matches, offset = _matching(criteria), page * page_size
        order = dict.fromkeys(self._engine.order.task_ids())
        found = [
            live for task_id in order if (live := self._active.get(task_id)) and _is_pending(live) and matches(live)
        ]
        end, total = offset + page_size, self._active.pending_count(criteria.sources)
        if replace(criteria, sources=()) != Filter():
            found += [live for live in self._behind(order, criteria) if matches(live)]
            total = len(found)
        elif end > len(found):
            found += islice(self._behind(order, criteria), end - len(found))
        return Page([replace(live.task) for live in found[offset:end]], max(total, len(found)))

    def _behind(self, order: Collection[str], criteria: Filter) -> Iterator[ActiveTask]:
        """Yield the pending tasks of the filter's sources that are not in `order`."""
        return (live for live in self._active.pending(criteria.sources) if live.task.task_id not in order)


def _is_pending(live: ActiveTask) -> bool:
    return live.task.status is TaskStatus.PENDING


def _matching(criteria: Filter) -> Callable[[ActiveTask], bool]:
    """Return a predicate: whether an active task matches the filter."""
    words, models = [word.casefold() for word in criteria.prompt_words], criteria.models
    tags = frozenset(criteria.tags)

    def matches(live: ActiveTask) -> bool:
        task = live.task
        return (
            (not criteria.statuses or task.status.value in criteria.statuses)
            and (not criteria.sources or task.source in criteria.sources)
            and (criteria.start is None or task.queued_at >= criteria.start)
            and (criteria.end is None or task.queued_at <= criteria.end)
            and (not criteria.model or live.workload.checkpoint in models)
            and tags.issubset(live.workload.tags)
            and all(word in live.workload.search_text for word in words)
        )

    return matches
