"""Progress stream of a generate request: FooocusAPI's message format, one message at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from ....asgi.error_codes import ErrorCode
from ....asgi.problem import problem_body
from ....images.preview import PNG, PreviewImage
from ....tasks.build import TaskServices
from ....tasks.model.outlook import Outlook
from ....tasks.model.task import Task
from ....tasks.ports.engine import ShuttingDown
from ....tasks.streaming.subscription import Subscription
from ....tasks.streaming.updates import KeepAlive, Kind, Update
from ...images.large_answers import AnswerFiles
from ...requests.fields.ignored import NOTE
from ...responses.public_urls import PublicUrls
from ...responses.sse import PING, message
from ...results.ended import failure_members
from ...schemas.own_data import own_data
from ...schemas.stage import stage_members
from ...schemas.task import base64_of
from ...security.event_streams import StreamAccess

SPACING_S = 0.05
"""Minimum seconds between two messages, and from the headers to the first. FooocusAPI's clients take the result of one read for
one message: they parse from its first brace to its last, and fail on two messages at once."""
BURST_SPACING_S = 0.1
"""Seconds between messages if the updates come closer than SPACING_S: a page on a slow machine is still busy with the previous
one, and most of a burst is dropped anyway."""
END_PAUSE_S = 0.25
"""Seconds between a burst and the last message, which must not be read together with another."""
SENT_KINDS: frozenset[Kind] = frozenset({"queued", "progress"})


async def progress_of(
    task: Task, services: TaskServices, urls: PublicUrls, read: Callable[[str], bytes], access: StreamAccess
) -> AsyncGenerator[bytes, None]:
    """Yield a task's current state, then its progress, then its result.

    Args:
        read: returns the content of the image at a path; may raise OSError if the image is gone.
    """
    pace = _Pace()
    with services.events.subscribe(task.task_id, encoding=PNG) as subscription:
        access.watch(subscription)
        task = await services.tasks.get(task.task_id)
        if not task.status.is_terminal:
            first = _progress(task, await asyncio.to_thread(services.eta.outlook, task))
            pace.sent()  # the headers
            await pace.turn(SPACING_S)
            yield first
            async for update in _spaced(subscription, pace):
                if isinstance(update, KeepAlive):
                    yield PING
                    continue
                task = update.task
                if not update.is_terminal:
                    yield _progress(task, update.outlook, update.preview)
        files = AnswerFiles(read)
        last = await asyncio.to_thread(_last, task, urls, files.read)
        await pace.turn(END_PAUSE_S if _gap(subscription) > SPACING_S else SPACING_S)
    try:
        yield last
    finally:
        files.close()


class _Pace:
    """Spaces out messages. A message has been sent when the client asks for the next one."""

    def __init__(self) -> None:
        self._sent: float | None = None

    def sent(self) -> None:
        """Record that a message was sent just now."""
        self._sent = asyncio.get_running_loop().time()

    async def turn(self, gap: float) -> None:
        """Wait until `gap` seconds after the previous message."""
        if self._sent is not None:
            await asyncio.sleep(self._sent + gap - asyncio.get_running_loop().time())


def _gap(subscription: Subscription) -> float:
    return SPACING_S if subscription.interval >= SPACING_S else BURST_SPACING_S


async def _spaced(subscription: Subscription, pace: _Pace) -> AsyncGenerator[Update | KeepAlive, None]:
    """Yield a task's updates until its end, no sooner than they may be sent. Of accumulated progress, yield only the newest text
    and the newest preview."""
    pace.sent()
    async for update in subscription:
        if isinstance(update, Update) and update.is_terminal:
            yield update
            return
        if isinstance(update, KeepAlive):
            yield update
            pace.sent()
        elif isinstance(update, Update) and update.kind in SENT_KINDS:
            await pace.turn(SPACING_S)
            if not subscription.supersedes(update, SENT_KINDS):
                await pace.turn(_gap(subscription))
            if not subscription.supersedes(update, SENT_KINDS):
                yield update
                pace.sent()


def _last(task: Task, urls: PublicUrls, read: Callable[[str], bytes]) -> bytes:
    images = [urls.output(image.path) for image in task.images]
    data: dict[str, Any] = {
        "progress": task.progress,
        "preview": None,
        "message": task.status.value.capitalize(),
        "images": images,
        **own_data(task),
    }
    if ignored := task.notes.get(NOTE):
        data[NOTE] = ignored
    if task.parameters.get("require_base64"):
        data["base64"] = [base64_of(image, read) for image in task.images]
    if not task.status.is_terminal:
        detail = str(ShuttingDown(task.task_id))
        problem = problem_body(ErrorCode.SHUTTING_DOWN, detail, task_id=task.task_id, task_status=task.status.value)
        return message({**problem, **data, "message": detail}, "error")
    if task.error is None:
        return message(data)
    problem = problem_body(ErrorCode.GENERATION_FAILED, **failure_members(task))
    return message({**problem, **data, "message": task.error.message}, "error")


def _progress(task: Task, outlook: Outlook, picture: PreviewImage | None = None) -> bytes:
    data: dict[str, Any] = {
        "progress": task.progress,
        "preview": picture.data_uri(PNG) if picture is not None else None,
        "message": task.title or "Waiting",
        "images": [],
        "queue_position": outlook.queue_position,
        "eta_seconds": outlook.eta_seconds,
        **own_data(task),
        **stage_members(task),
    }
    return message(data)
