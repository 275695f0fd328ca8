"""Lists of tasks: what waits and runs from memory, what has ended from the database. Called by the service's users."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace

from ..db.filters import Filter as Filter
from ..db.repository import Repository
from . import storage
from .engine import Engine
from .live import LiveTasks
from .task import LIVE_VALUES, Task, TaskStatus


@dataclass(frozen=True)
class Page:
    """Some of the tasks asked for; `total` is how many there are, or the most that are counted when `capped`."""

    tasks: list[Task]
    total: int
    capped: bool = False

    def without(self, others: Page) -> Page:
        """The same, but for those on another page."""
        ids = {task.task_id for task in others.tasks}
        kept = [task for task in self.tasks if task.task_id not in ids]
        return replace(self, tasks=kept, total=self.total - len(self.tasks) + len(kept))


NOTHING = Page([], 0)


class History:
    """Reads; changes nothing."""

    def __init__(self, repository: Repository, live: LiveTasks, engine: Engine) -> None:
        self._repository = repository
        self._live = live
        self._engine = engine

    async def lists(
        self, which: Collection[str], chosen: Filter, page: int, page_size: int, *, newest_first: bool = True
    ) -> tuple[Page, Page, Page]:
        """Tasks that have ended, run and wait, as far as they are among `which`: history, current, pending.

        Looked at in the order of a task's life: one that goes on meanwhile is seen twice rather than not at all, and counts
        where it was seen last. The times of `chosen` concern the history alone.
        """
        now = replace(chosen, start=None, end=None)
        pending = self.pending(now, page, page_size) if "pending" in which else NOTHING
        current = self.running(now) if "current" in which else NOTHING
        history = NOTHING
        if "history" in which:
            history = await self.ended(chosen, page, page_size, newest_first=newest_first)
        return history, current.without(history), pending.without(current).without(history)

    async def ended(self, chosen: Filter, page: int, page_size: int, *, newest_first: bool = True) -> Page:
        """Tasks that have ended, by the time they were queued."""
        chosen = replace(chosen, excluded=LIVE_VALUES)

        def read() -> Page:
            rows, (total, capped) = self._repository.page_and_count(
                chosen, page * page_size, page_size, newest_first=newest_first
            )
            return Page([storage.from_row(row) for row in rows], total, capped)

        return await asyncio.wrap_future(self._repository.read(read))

    def running(self, chosen: Filter) -> Page:
        """At most one."""
        tasks = [task for task in self._live.all(TaskStatus.RUNNING) if _matches(task, chosen)]
        return Page(tasks, len(tasks))

    def pending(self, chosen: Filter, page: int, page_size: int) -> Page:
        """Tasks that wait, the next one first."""
        places = {task_id: place for place, task_id in enumerate(self._engine.order())}
        tasks = [task for task in self._live.all(TaskStatus.PENDING) if _matches(task, chosen)]
        tasks.sort(key=lambda task: (places.get(task.task_id, len(places)), task.rank))
        return Page(tasks[page * page_size : (page + 1) * page_size], len(tasks))


def _matches(task: Task, chosen: Filter) -> bool:
    row = storage.to_row(task)
    return (
        (not chosen.statuses or row["status"] in chosen.statuses)
        and (chosen.start is None or task.queued_at >= chosen.start)
        and (chosen.end is None or task.queued_at <= chosen.end)
        and (not chosen.sources or task.source in chosen.sources)
        and (not chosen.model or row["model"] in chosen.models)
        and all(word.casefold() in row["words"] for word in chosen.words)
    )
