"""Tasks: waiting, following, lists and actions.

Written by client/scripts/write_async.py from sync/tasks.py: change that, and run it again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from inspect import isawaitable
from typing import TYPE_CHECKING, Callable, Optional, Union

from ..calls import tasks
from ..calls.generation import repeat
from ..calls.tasks import ENDS, Missed, Previews, TaskUpdate
from ..schema.tasks import Task, TaskCards, TaskLists
from ..wire.problems import succeeded
from .transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..schema.requests import GenerateFields

__all__ = ["ENDS", "TaskUpdate", "Tasks"]

WEBP = Previews()


class Tasks:
    """The tasks that the key may see, those of the WebUI included where it may."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, task_id: str) -> Task:
        """Return a task's record; while it runs, `preview` has its newest preview."""
        return await self._transport.call(tasks.get(task_id))

    async def wait(
        self,
        task_id: str,
        *,
        on_update: Optional[Callable[[TaskUpdate], object]] = None,
        previews: Optional[Previews] = WEBP,
    ) -> Task:
        """Return a task's record once it has ended. It continues after broken connections and restarts of Fooocus.

        Args:
            on_update: receives each event.
            previews: the form of the previews in the events, None for none.

        Raises:
            TaskFailed: Fooocus failed on it.
        """
        async for update in self.watch(task_id, previews=previews if on_update is not None else None):
            if on_update is not None:
                result = on_update(update)
                if isawaitable(result):
                    await result
        return succeeded(await self.get(task_id))

    async def watch(
        self,
        task_id: str,
        *,
        previews: Optional[Previews] = WEBP,
    ) -> AsyncIterator[TaskUpdate]:
        """Yield the events of a task until its end, which is the last one."""
        stream = tasks.events(task_id, previews, self._transport.retries)
        async for update in self._transport.events(stream):
            if isinstance(update, TaskUpdate):
                yield update

    async def watch_all(
        self,
        *,
        previews: Optional[Previews] = None,
    ) -> AsyncIterator[Union[TaskUpdate, Missed]]:
        """Yield the events of all tasks, without an end. `Missed` says that some are lost."""
        async for update in self._transport.events(tasks.all_events(previews, self._transport.retries)):
            yield update

    async def page(
        self, query: str = "all", *, page: int = 0, page_size: int = 10, **filters: Union[str, list[str], bool]
    ) -> TaskLists:
        """Return a page of records. Filters, as in `GET /tasks`: status, source, model, prompt, tag, start_at, end_at."""
        return await self._transport.call(tasks.page(query, page, page_size, {**filters}))

    async def cards(
        self, query: str = "all", *, page: int = 0, page_size: int = 10, **filters: Union[str, list[str], bool]
    ) -> TaskCards:
        """Return a page of short entries, with the same filters."""
        return await self._transport.call(tasks.cards(query, page, page_size, {**filters}))

    async def stop(self, task_id: str) -> Task:
        """Stop a pending or running task. A running one ends at its next step; until then the record has `stopping`."""
        return await self._transport.call(tasks.action(task_id, "stop"))

    async def skip(self, task_id: str) -> Task:
        """Skip the current image of a running task."""
        return await self._transport.call(tasks.action(task_id, "skip"))

    async def move_to_front(self, task_id: str) -> Task:
        """Make a pending task the next one."""
        return await self._transport.call(tasks.action(task_id, "move-to-front"))

    async def repeat(
        self,
        task_id: str,
        *,
        image: Optional[int] = None,
        idempotency_key: Optional[str] = None,
        **changes: Unpack[GenerateFields],
    ) -> Task:
        """Generate an ended task again, or its image at a position from 0, with changed fields; return the pending record."""
        return await self._transport.call(repeat(task_id, image, changes, idempotency_key))

    async def delete(self, task_id: str) -> Optional[Task]:
        """Delete an ended task with its images and return None, or cancel a pending one and return its record."""
        return await self._transport.call(tasks.delete(task_id))
