"""Lists of tasks: pending and running ones from memory, ended ones from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import chain, islice

from ...db.repository import Repository
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


class History:
    """Read-only queries for tasks."""

    def __init__(self, repository: Repository, live: ActiveTasks, engine: Engine) -> None:
        self._repository = repository
        self._live = live
        self._engine = engine

    async def lists(
        self, which: Collection[str], chosen: Filter, page: int, page_size: int, *, newest_first: bool = True
    ) -> tuple[Page, Page, Page]:
        """Return pages of the ended, running and pending tasks. Those not in `which` (history, current, pending) are empty.

        Lists are read in the order of a task's life: one that changes its status in between is found twice instead of never,
        and counts in the last list. The times of `chosen` apply to the history only.
        """
        now = replace(chosen, start=None, end=None)
        pending, current = await asyncio.to_thread(self._living, which, now, page, page_size)
        history = EMPTY_PAGE
        if "history" in which:
            history = await self.ended(chosen, page, page_size, newest_first=newest_first)
        return history, current.without(history), pending.without(current).without(history)

    async def ended(self, chosen: Filter, page: int, page_size: int, *, newest_first: bool = True) -> Page:
        """Return a page of the ended tasks, ordered by the time they were queued."""
        chosen = replace(chosen, excluded=ACTIVE_STATUSES)

        def read() -> Page:
            rows, (total, capped) = self._repository.page_and_count(
                chosen, page * page_size, page_size, newest_first=newest_first
            )
            return Page([from_row(row) for row in rows], total, capped)

        return await asyncio.wrap_future(self._repository.read(read))

    def _living(self, which: Collection[str], chosen: Filter, page: int, page_size: int) -> tuple[Page, Page]:
        pending = self.pending(chosen, page, page_size) if "pending" in which else EMPTY_PAGE
        current = self.running(chosen) if "current" in which else EMPTY_PAGE
        return pending, current

    def running(self, chosen: Filter) -> Page:
        """Return the running tasks: at most one, and earlier ones whose results are still being saved."""
        found = self._live.of_status(TaskStatus.RUNNING, _matching(chosen))
        tasks = [replace(task) for task in found.values()]
        return Page(tasks, len(tasks))

    def pending(self, chosen: Filter, page: int, page_size: int) -> Page:
        """Return a page of the pending tasks, the next one first. Not on an event loop: it walks all of them."""
        found = self._live.of_status(TaskStatus.PENDING, _matching(chosen))
        total, offset = len(found), page * page_size
        if offset >= total:
            return Page([], total)
        queued = [task for task_id in self._engine.order() if (task := found.pop(task_id, None))]
        beside = sorted(found.values(), key=lambda task: task.rank)  # not in the queue, e.g. during a download
        chosen_tasks = islice(chain(queued, beside), offset, offset + page_size)
        return Page([replace(task) for task in chosen_tasks], total)


def _matching(chosen: Filter) -> Callable[[ActiveTask], bool]:
    """Return a predicate: whether an active task matches the filter."""
    words, models = [word.casefold() for word in chosen.words], chosen.models

    def matches(live: ActiveTask) -> bool:
        task = live.task
        return (
            (not chosen.statuses or task.status.value in chosen.statuses)
            and (not chosen.sources or task.source in chosen.sources)
            and (chosen.start is None or task.queued_at >= chosen.start)
            and (chosen.end is None or task.queued_at <= chosen.end)
            and (not chosen.model or live.workload.checkpoint in models)
            and all(word in live.workload.search_text for word in words)
        )

    return matches
