"""`GET /v1/batches/{batch_id}/results`: the ended rows of a batch as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from ....auth.keys import Scope
from ....tasks.batches.model import Batch, Row
from ....tasks.batches.store import UnknownBatch
from ....tasks.model.task import Task
from ...context import ApiContext, Context
from ...requests.batches.row_errors import MAX_ROWS
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses
from ...schemas.batch import BatchResult, result_of
from ...security.authorization import access_watcher, require_scope
from .batches import BatchId, visible_batch

ROWS_AT_ONCE = 100
MEDIA_TYPE = "application/x-ndjson"
router = APIRouter(tags=["batches"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ)])


@router.get(
    "/v1/batches/{batch_id}/results",
    summary="Results of a batch",
    response_class=Response,
    responses={
        200: {
            "description": "JSON Lines; each line is a `BatchResult`.",
            "content": {MEDIA_TYPE: {"itemSchema": {"$ref": f"#/components/schemas/{BatchResult.__name__}"}}},
        },
        **responses(401, 404, 422, 503),
    },
)
def get_results(
    context: ApiContext,
    request: Request,
    batch_id: BatchId,
    after: Annotated[int, Query(ge=0, le=MAX_ROWS, description="Only rows behind this one.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="The maximum number of lines.")] = MAX_ROWS,
) -> Response:
    """Return the rows that have ended, in their order, while the others may still run."""
    batch = visible_batch(context, request, batch_id)
    urls, lasts = context.urls(request), access_watcher(request, Scope.READ)

    def lines() -> Iterator[bytes]:
        for number, (row, task) in enumerate(ended_rows(context, batch, after)):
            if number >= limit:
                return
            if not lasts():
                raise ConnectionAbortedError("access revoked")  # the body lacks its end, so that a client notices
            yield json.dumps(result_of(row, task, urls), ensure_ascii=False).encode() + b"\n"

    return StreamingResponse(lines(), media_type=MEDIA_TYPE)


def ended_rows(context: Context, batch: Batch, after: int, last: int = MAX_ROWS) -> Iterator[tuple[Row, Task | None]]:
    """Yield the ended rows behind `after` and not behind `last` with their tasks, in their order. Blocking.

    Raises:
        ConnectionAbortedError: the batch was deleted in between.
    """
    store = context.services.batches.store
    try:
        while rows := store.ended(batch, after, ROWS_AT_ONCE, last):
            yield from store.with_tasks(rows)
            after = rows[-1].number
    except UnknownBatch as error:
        raise ConnectionAbortedError("batch deleted") from error
