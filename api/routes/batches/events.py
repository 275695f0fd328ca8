"""`GET /v1/batches/{batch_id}/events`: the ends of a batch's rows as they happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Request
from fastapi.responses import Response

from ....auth.keys import Scope
from ....tasks.batches.model import Batch
from ....tasks.batches.store import UnknownBatch
from ...context import ApiContext, Context
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses
from ...responses.public_urls import PublicUrls
from ...responses.sse import PING, message, sse_openapi_content
from ...schemas.batch import BatchResponse, BatchResult, batch_record, result_of
from ...security.authorization import RECHECK_INTERVAL_S, require_scope
from ...security.event_streams import StreamAccess, event_stream
from .batches import BatchId, visible_batch

ROWS_AT_ONCE = 100
HEARTBEAT_S = 15.0
MIN_INTERVAL_S = 0.2
"""Seconds between two looks at a batch whose rows end quickly."""
DESCRIPTION = """The first event is `batch`, with the record without failures; another follows when the counts or the state have
changed. An event `row` follows the end of each row; its `id` is its number among the ends. The event `ended` has the record of
the ended batch, and is the last one. With `Last-Event-ID`, the stream continues with the rows that ended since then."""

router = APIRouter(tags=["batches"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ)])


@router.get(
    "/v1/batches/{batch_id}/events",
    summary="Events of a batch",
    description=DESCRIPTION,
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events; the `data` of each is a `BatchResponse` or a `BatchResult`.",
            "content": sse_openapi_content(BatchResponse.__name__, BatchResult.__name__),
        },
        **responses(401, 404, 422, 503),
    },
)
def batch_events(
    context: ApiContext,
    request: Request,
    batch_id: BatchId,
    last_event_id: Annotated[
        str | None, Header(description="The `id` of the last event that the client received.")
    ] = None,
) -> Response:
    """Stream the events of a batch until it ends."""
    batch = visible_batch(context, request, batch_id)
    begin = last_event_id or ""
    after = min(int(begin[:9]), batch.sequence) if begin.isascii() and begin.isdigit() else batch.sequence
    messages = partial(_messages, context, batch, after, context.urls(request))
    return event_stream(request, Scope.READ, messages)


async def _messages(
    context: Context, batch: Batch, after: int, urls: PublicUrls, access: StreamAccess
) -> AsyncGenerator[bytes, None]:
    changes = context.services.batches.changes
    known: bytes | None = None
    silent_since = time.monotonic()
    with changes.watch(batch.batch_id) as watch:
        while not changes.is_closed and access.lasts():
            watch.changed.clear()
            found = await asyncio.to_thread(_read, context, batch.batch_id, after, urls)
            if found is None:
                return
            after, rows, record, has_ended, more = found
            for one in rows:
                yield one
            if not more and record != known:
                yield record
                known = record
            if has_ended and not more:
                return
            if rows or more:
                silent_since = time.monotonic()
            if not more:
                await anyio.sleep(MIN_INTERVAL_S)
                while not (watch.changed.is_set() or changes.is_closed) and access.lasts():
                    with anyio.move_on_after(RECHECK_INTERVAL_S):
                        await watch.changed.wait()
                    if time.monotonic() - silent_since > HEARTBEAT_S:
                        silent_since = time.monotonic()
                        yield PING


def _read(
    context: Context, batch_id: str, after: int, urls: PublicUrls
) -> tuple[int, list[bytes], bytes, bool, bool] | None:
    """Return the number of the last end, the new events of rows and of the batch, whether it has ended, and whether more rows
    follow. None if the batch is deleted."""
    batches = context.services.batches
    try:
        batch = batches.get(batch_id)
        rows = batches.store.ended_since(batch, after, ROWS_AT_ONCE)
    except UnknownBatch:
        return None
    events = [
        message(result_of(row, task, urls), "row", str(row.sequence)) for row, task in batches.store.with_tasks(rows)
    ]
    after = rows[-1].sequence if rows else after
    record = batch_record(batches.counted(batch), urls)
    return (
        after,
        events,
        message(record, "ended" if batch.has_ended else "batch", str(after)),
        batch.has_ended,
        bool(rows),
    )
