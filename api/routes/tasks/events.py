"""`/v1/events` and `/tasks/{task_id}/events`: live events of all tasks or of one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from ....auth.keys import Scope
from ....images.preview import SIZES, Encoding, PreviewFormat, stepped
from ....tasks.build import TaskServices
from ....tasks.model.task import Task, TaskStatus
from ....tasks.streaming.notices import Notice
from ....tasks.streaming.updates import Dropped, KeepAlive, Kind, Update
from ...context import ApiContext
from ...requests.parameter_names import NamingRoute, check_given_once
from ...responses.problems import responses
from ...responses.public_urls import PublicUrls
from ...responses.sse import PING, sse_openapi_content
from ...schemas.events import EVENTS, DroppedEvent, TaskEvent, dropped_event, event_of
from ...security.authorization import access_of, require_scope, visible_task
from ...security.event_streams import StreamAccess, event_stream
from ..model_files.schemas import DownloadResponse
from ..queue.notices import NOTICE_LIST, NOTICES, current_states, notice_event, notice_kinds, scopes_of_kinds
from ..queue.schemas import DeletedEvent, ModelEvent, MovedEvent, QueueEvent, SampleModel
from .tasks import TaskId

END = "end"
"""Suffix of the last event's id if the events of an ended task are rebuilt from its record."""

Previews = Annotated[bool, Query(description="True if progress events have previews.")]
Format = Annotated[
    Literal["png", "webp", "jpeg", "jpg"],
    Query(description="The format of previews. WebP and JPEG are much smaller than PNG."),
]
Size = Annotated[
    int | None,
    Query(
        ge=16,
        le=2048,
        description="The maximum length of a preview's longer side in pixels. Previews have one of the sizes "
        f"{', '.join(map(str, SIZES))}, or their own if that is smaller.",
    ),
]
Also = Annotated[
    str | None,
    Query(
        max_length=200,
        description="Further events, separated by commas, as in `queue,deleted`. See the table above.",
        json_schema_extra={"pattern": NOTICE_LIST},
    ),
]
LastEventId = Annotated[str | None, Header(description="The `id` of the last event that the client received.")]


NOTICE_MODELS = (QueueEvent, DeletedEvent, MovedEvent, DownloadResponse, ModelEvent, SampleModel)

router = APIRouter(tags=["events"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ)])
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; the `data` of each is a `TaskEvent` or a `DroppedEvent`.",
        "content": sse_openapi_content(TaskEvent.__name__, DroppedEvent.__name__),
    }
}
ALL_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; the `data` of each is a `TaskEvent`, a `DroppedEvent`, or with `also` another one.",
        "content": sse_openapi_content(
            TaskEvent.__name__, DroppedEvent.__name__, *(model.__name__ for model in NOTICE_MODELS)
        ),
    }
}


@router.get(
    "/v1/events",
    summary="Events of all tasks",
    description="Streams the events of all visible tasks, including the WebUI's. The stream does not end.\n\n"
    f"{EVENTS}\n\n{NOTICES}",
    response_class=Response,
    responses={**ALL_STREAM, **responses(401, 403, 422, 503)},
)
def all_events(
    context: ApiContext,
    request: Request,
    previews: Previews = True,
    preview_format: Format = "webp",
    preview_size: Size = None,
    also: Also = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream the events of all tasks that the client may see."""
    check_given_once(request, ("also",))
    urls, access = context.urls(request), access_of(request)
    encoding = _encoding(previews, preview_format, preview_size)
    kinds = notice_kinds(also, access)
    messages = partial(_all, context.services, access.only, urls, encoding, kinds, last_event_id or None)
    return event_stream(request, Scope.READ, messages, further=scopes_of_kinds(kinds))


@router.get(
    "/tasks/{task_id}/events",
    summary="Events of one task",
    description=f"The stream ends with the task. For an ended task, it is rebuilt from the task's record.\n\n{EVENTS}",
    response_class=Response,
    responses={
        **STREAM,
        204: {"description": "The task has ended, and the client has received its last event: do not reconnect."},
        **responses(401, 404, 422, 503),
    },
)
async def task_events(
    context: ApiContext,
    request: Request,
    task_id: TaskId,
    previews: Previews = True,
    preview_format: Format = "webp",
    preview_size: Size = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream the events of one task until it ends."""
    services = context.services
    task = await visible_task(context, request, task_id)
    if task.status.is_terminal and _has_read_the_end(services, task, last_event_id):
        return Response(status_code=204)
    encoding = _encoding(previews, preview_format, preview_size)
    messages = partial(_one, services, task.task_id, context.urls(request), encoding, last_event_id or None)
    return event_stream(request, Scope.READ, messages)


def _encoding(previews: bool, kind: PreviewFormat | Literal["jpg"], size: int | None) -> Encoding | None:
    if not previews:
        return None
    return Encoding("jpeg" if kind == "jpg" else kind, None if size is None else stepped(size))


async def _all(
    services: TaskServices,
    source: str | None,
    urls: PublicUrls,
    encoding: Encoding | None,
    also: frozenset[str],
    after: str | None,
    access: StreamAccess,
) -> AsyncGenerator[bytes, None]:
    broadcast = services.events
    with broadcast.subscribe(source=source, encoding=encoding, after=after, also=also) as subscription:
        access.watch(subscription)
        yield f": listening\nid: {subscription.begins_at}\n\n".encode() if after is None else PING
        for state in await asyncio.to_thread(current_states, services, also, source) if also else ():
            yield notice_event(state, source)
        async for item in subscription:
            if isinstance(item, Notice):
                yield notice_event(item, source)
            else:
                yield _rendered(item, services, urls, encoding)


async def _one(
    services: TaskServices,
    task_id: str,
    urls: PublicUrls,
    encoding: Encoding | None,
    after: str | None,
    access: StreamAccess,
) -> AsyncGenerator[bytes, None]:
    with services.events.subscribe(task_id, encoding=encoding, after=after) as subscription:
        access.watch(subscription)
        task = await services.tasks.get(task_id)
        if after is None and not task.status.is_terminal:
            kind: Kind = "queued" if task.status is TaskStatus.PENDING else "progress"
            outlook = await asyncio.to_thread(services.eta.outlook, task)
            now = Update(0, kind, task, services.tasks.preview(task_id), outlook=outlook)
            if now.preview is not None and encoding is not None:
                await asyncio.to_thread(now.preview.base64, encoding)
            yield event_of(now, subscription.begins_at, urls, encoding)
        elif task.status.is_terminal and not subscription.has_final():
            for update in _events_from_record(task):
                if update.number > _number_read(task_id, after):
                    number = END if update.is_terminal else str(update.number)
                    yield event_of(update, f"{task_id}-{number}", urls, encoding)
            return
        async for item in subscription:
            if isinstance(item, Notice):
                continue  # none was asked for
            yield _rendered(item, services, urls, encoding)
            if isinstance(item, Update) and item.is_terminal:
                return


def _rendered(
    item: Update | Dropped | KeepAlive, services: TaskServices, urls: PublicUrls, encoding: Encoding | None
) -> bytes:
    if isinstance(item, KeepAlive):
        return PING
    event_id = services.events.update_id(item)
    return dropped_event(item, event_id) if isinstance(item, Dropped) else event_of(item, event_id, urls, encoding)


def _events_from_record(task: Task) -> Iterator[Update]:
    """Yield the events of an ended task, rebuilt from its record."""
    waiting = replace(task, status=TaskStatus.PENDING, progress=0, images=[], error=None)
    yield Update(1, "queued", waiting)
    if task.started_at != -1:
        yield Update(2, "started", replace(waiting, status=TaskStatus.RUNNING))
    for number, image in enumerate(task.images, 3):
        yield Update(number, "image", replace(waiting, status=TaskStatus.RUNNING), image=image)
    kind: Any = task.status.value
    yield Update(3 + len(task.images), kind, task)


def _number_read(task_id: str, last: str | None) -> int:
    """Return the number of the last event of `_events_from_record` that the client has read; 0 if `last` is not one of them."""
    found = re.fullmatch(rf"{task_id}-(\d{{1,9}})", last or "", re.ASCII)
    return int(found[1]) if found else 0


def _has_read_the_end(services: TaskServices, task: Task, last: str | None) -> bool:
    if last is None:
        return False
    return last == f"{task.task_id}-{END}" or services.events.is_final(last, task.task_id)
