"""The stream that answers a generate request: messages as FooocusAPI's clients read them, never two at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from ..tasks.broadcast import Subscription
from ..tasks.forecast import Outlook
from ..tasks.preview import PNG, PreviewImage
from ..tasks.service import TaskService
from ..tasks.task import Task
from ..tasks.updates import Heartbeat, Kind, Update
from .errors import problem_body
from .ignored import NOTE
from .schemas.record import base64_of
from .sse import PING, Right, message
from .urls import PublicUrls

SPACING = 0.05
"""Seconds between two messages, and from the headers to the first, at least. Clients of FooocusAPI take what one read gives for
one message: they parse from its first brace to its last, and two that come together end them."""
IN_A_BURST = 0.1
"""Seconds where the updates themselves come closer than that: a page on a slow machine is busy with the one before, and most of
a burst is left out anyway."""
BEFORE_THE_END = 0.25
"""Seconds between a burst and the last message, the one that must not be read together with another."""
TOLD: frozenset[Kind] = frozenset({"queued", "progress"})


async def progress_of(
    task: Task, service: TaskService, urls: PublicUrls, read: Callable[[str], bytes], right: Right
) -> AsyncGenerator[bytes, None]:
    """Tell how a task stands, then what happens, then how it ended.

    Args:
        read: gives the content of an image of that path; may raise OSError when it is gone.
    """
    pace = _Pace()
    with service.broadcast.subscribe(task.task_id, encoding=PNG) as subscription:
        right.watch(subscription)
        task = await service.get(task.task_id)
        if not task.status.is_terminal:
            first = _progress(task, await asyncio.to_thread(service.outlook, task))
            pace.sent()  # the headers
            await pace.turn(SPACING)
            yield first
            async for update in _spaced(subscription, pace):
                if isinstance(update, Heartbeat):
                    yield PING
                    continue
                task = update.task
                if not update.is_terminal:
                    yield _progress(task, update.outlook, update.preview)
        last = await asyncio.to_thread(_last, task, urls, read)
        await pace.turn(BEFORE_THE_END if _gap(subscription) > SPACING else SPACING)
    yield last


class _Pace:
    """Keeps messages apart. The one before has been sent when the next is asked for."""

    def __init__(self) -> None:
        self._sent: float | None = None

    def sent(self) -> None:
        """Note that a message has been sent this moment."""
        self._sent = asyncio.get_running_loop().time()

    async def turn(self, gap: float) -> None:
        """Wait until so many seconds after the message before."""
        if self._sent is not None:
            await asyncio.sleep(self._sent + gap - asyncio.get_running_loop().time())


def _gap(subscription: Subscription) -> float:
    return SPACING if subscription.interval >= SPACING else IN_A_BURST


async def _spaced(subscription: Subscription, pace: _Pace) -> AsyncGenerator[Update | Heartbeat, None]:
    """Yield a task's updates until its end, no sooner than they may be sent: of progress that has waited the newest words
    and the newest picture."""
    pace.sent()
    async for update in subscription:
        if isinstance(update, Update) and update.is_terminal:
            yield update
            return
        if isinstance(update, Heartbeat):
            yield update
            pace.sent()
        elif isinstance(update, Update) and update.kind in TOLD:
            await pace.turn(SPACING)
            if not subscription.outdates(update, TOLD):
                await pace.turn(_gap(subscription))
            if not subscription.outdates(update, TOLD):
                yield update
                pace.sent()


def _last(task: Task, urls: PublicUrls, read: Callable[[str], bytes]) -> bytes:
    images = [urls.output(image.path) for image in task.images]
    data: dict[str, Any] = {
        "progress": task.progress,
        "preview": None,
        "message": task.status.value.capitalize(),
        "images": images,
    }
    if ignored := task.notes.get(NOTE):
        data[NOTE] = ignored
    if task.parameters.get("require_base64"):
        data["base64"] = [base64_of(image, read) for image in task.images]
    if not task.status.is_terminal:
        detail = f"Fooocus is ending; task {task.task_id} goes on when it is started again"
        problem = problem_body(503, detail, task_id=task.task_id, task_status=task.status.value)
        return message({**problem, **data, "message": detail}, "error")
    if task.error is None:
        return message(data)
    error = {"type": task.error.type, "message": task.error.message}
    problem = failure_members(task)
    return message({**problem_body(500, **problem), **data, "message": task.error.message, "error": error}, "error")


def _progress(task: Task, outlook: Outlook, picture: PreviewImage | None = None) -> bytes:
    data: dict[str, Any] = {
        "progress": task.progress,
        "preview": picture.data_uri(PNG) if picture is not None else None,
        "message": task.title or "Waiting",
        "images": [],
        "queue_position": outlook.queue_position,
        "eta_seconds": outlook.eta_seconds,
    }
    return message(data)


def failure_members(task: Task) -> dict[str, Any]:
    """Return what a problem document says of a task that failed."""
    error = task.error
    detail = f"Fooocus failed: {error.type}: {error.message}" if error else f"the task is {task.status.value}"
    members: dict[str, Any] = {"detail": detail, "task_id": task.task_id, "task_status": task.status.value}
    if error:
        members["error"] = {"type": error.type, "message": error.message}
    return members
