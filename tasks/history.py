"""Lists of tasks: what waits and runs from memory, what has ended from the database. Called by the service's users."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import chain, islice

from ..db.filters import Filter as Filter
from ..db.repository import Repository
from . import storage
from .engine import Engine
from .live import LiveTask, LiveTasks
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
        pending, current = await asyncio.to_thread(self._living, which, now, page, page_size)
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

    def _living(self, which: Collection[str], chosen: Filter, page: int, page_size: int) -> tuple[Page, Page]:
        pending = self.pending(chosen, page, page_size) if "pending" in which else NOTHING
        current = self.running(chosen) if "current" in which else NOTHING
        return pending, current

    def running(self, chosen: Filter) -> Page:
        """Return the tasks that run, at most one."""
        found = self._live.of_status(TaskStatus.RUNNING, _matching(chosen))
        tasks = [replace(task) for task in found.values()]
        return Page(tasks, len(tasks))

    def pending(self, chosen: Filter, page: int, page_size: int) -> Page:
        """Return a page of the tasks that wait, the next one first. Not on an event loop: it looks at each of them."""
        found = self._live.of_status(TaskStatus.PENDING, _matching(chosen))
        total, offset = len(found), page * page_size
        if offset >= total:
            return Page([], total)
        queued = [task for task_id in self._engine.order() if (task := found.pop(task_id, None))]
        beside = sorted(found.values(), key=lambda task: task.rank)  # such as wait for a download
        chosen_tasks = islice(chain(queued, beside), offset, offset + page_size)
        return Page([replace(task) for task in chosen_tasks], total)


def _matching(chosen: Filter) -> Callable[[LiveTask], bool]:
    """Return a function that tells whether the filter lets a living task through."""
    words, models = [word.casefold() for word in chosen.words], chosen.models

    def matches(live: LiveTask) -> bool:
        task = live.task
        return (
            (not chosen.statuses or task.status.value in chosen.statuses)
            and (not chosen.sources or task.source in chosen.sources)
            and (chosen.start is None or task.queued_at >= chosen.start)
            and (chosen.end is None or task.queued_at <= chosen.end)
            and (not chosen.model or str(task.parameters.get("base_model_name") or "") in models)
            and all(word in live.words for word in words)
        )

    return matches
