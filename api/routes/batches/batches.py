"""`/v1/batches`: the list, one batch, and its control."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from ....auth.keys import Scope
from ....tasks.batches.model import Batch
from ....tasks.batches.store import UnknownBatch
from ...context import ApiContext, Context
from ...requests.json_body import JsonRoute
from ...responses.problems import responses
from ...responses.public_urls import PublicUrls
from ...schemas.batch import BatchList, BatchResponse, batch_record
from ...security.authorization import access_of, as_stored, require_scope

BatchId = Annotated[str, Path(description="The id of the batch; hyphens as in a UUID are accepted.")]
router = APIRouter(tags=["batches"], route_class=JsonRoute, dependencies=[require_scope(Scope.READ)])
control = APIRouter(tags=["batches"], route_class=JsonRoute, dependencies=[require_scope(Scope.CONTROL)])
RECORD: dict[str, Any] = {
    "response_model": BatchResponse,
    "response_model_exclude_unset": True,
    "responses": responses(401, 404, 409, 422, 503),
}


@router.get(
    "/v1/batches",
    summary="List batches",
    response_model=BatchList,
    response_model_exclude_unset=True,
    responses=responses(401, 422, 503),
)
def get_batches(
    context: ApiContext,
    request: Request,
    page: Annotated[int, Query(ge=0, le=1_000_000, description="The page; the first is 0.")] = 0,
    page_size: Annotated[int, Query(ge=1, le=100, description="Batches per page.")] = 20,
    status: Annotated[
        list[Literal["running", "stopped", "ended"]] | None,
        Query(
            description="Only batches with these states; a paused batch is a running one. May be given more than once."
        ),
    ] = None,
) -> Any:
    """Return one page of batches, the newest first. A key without `read-all` sees only its own."""
    sources, urls = access_of(request).sources(()), context.urls(request)
    views, total = context.services.batches.page(sources, status or (), page * page_size, page_size)
    return JSONResponse({"batches": [batch_record(view, urls) for view in views], "total": total})


@router.get("/v1/batches/{batch_id}", summary="Get a batch", **{**RECORD, "responses": responses(401, 404, 503)})
def get_batch(context: ApiContext, request: Request, batch_id: BatchId) -> Any:
    """Return the counts of the rows, the seconds until the end, and the first failed rows."""
    return _record(context, request, visible_batch(context, request, batch_id))


@control.post("/v1/batches/{batch_id}/stop", summary="Stop a batch", **RECORD)
def stop(context: ApiContext, request: Request, batch_id: BatchId) -> Any:
    """Queue no more rows. Rows in the queue wait again and are not charged; a row whose task runs still ends. A batch that does
    not run answers 409."""
    batch = visible_batch(context, request, batch_id)
    context.services.batches.store.stop(batch)
    return _record(context, request, visible_batch(context, request, batch_id))


@control.post("/v1/batches/{batch_id}/resume", summary="Resume a stopped batch", **RECORD)
def resume(context: ApiContext, request: Request, batch_id: BatchId) -> Any:
    """Let a stopped batch continue. A batch that is not stopped answers 409."""
    batch = visible_batch(context, request, batch_id)
    context.services.batches.store.resume(batch)
    return _record(context, request, visible_batch(context, request, batch_id))


@control.post("/v1/batches/{batch_id}/retry", summary="Retry the failed rows of a batch", **RECORD)
def retry(
    context: ApiContext,
    request: Request,
    batch_id: BatchId,
    cancelled: Annotated[bool, Query(description="Retry rows whose tasks were stopped, too.")] = False,
) -> Any:
    """Let all failed rows wait again; an ended batch runs again, and its webhook is sent again at its end. Invalid rows stay
    failed. A batch without a row to retry answers 409."""
    batch = visible_batch(context, request, batch_id)
    context.services.batches.store.retry(batch, cancelled=cancelled)
    return _record(context, request, visible_batch(context, request, batch_id))


@control.delete(
    "/v1/batches/{batch_id}",
    summary="Delete a batch",
    status_code=204,
    response_class=Response,
    responses={
        **responses(401, 404, 422, 503),
        204: {
            "description": "The batch is gone; its rows, and its images if requested, are deleted in the background."
        },
    },
)
def delete(
    context: ApiContext,
    request: Request,
    batch_id: BatchId,
    images: Annotated[bool, Query(description="Delete the batch's tasks and their images, too.")] = False,
) -> Response:
    """Delete a batch. Its pending and running tasks are stopped; the ended ones remain, unless `images` is true."""
    batch = visible_batch(context, request, batch_id)
    context.services.batches.store.delete(batch, images_too=images)
    return Response(status_code=204)


def visible_batch(context: Context, request: Request, batch_id: str) -> Batch:
    """Return a batch in its current state. Blocking.

    Raises:
        UnknownBatch: the batch does not exist or the client may not see it: one error, so that it does not reveal which.
    """
    batch = context.services.batches.get(as_stored(batch_id))
    if access_of(request).only not in (None, batch.source):
        raise UnknownBatch(as_stored(batch_id))
    return batch


def batch_body(context: Context, own_url: str, batch: Batch) -> bytes:
    """Return the body that a batch's receiver gets: the record as `GET /v1/batches/{batch_id}` returns it. Blocking.

    Its URLs begin with `--base-url`, else with the address under which the batch's client reached this server, which is
    empty for the owner's receiver, else with `own_url`.
    """
    urls = PublicUrls(None, context.base_url or batch.base_url or own_url, context.security.links)
    record = batch_record(context.services.batches.view(batch), urls)
    return BatchResponse.model_validate(record).model_dump_json(exclude_unset=True).encode()


def _record(context: Context, request: Request, batch: Batch) -> Response:
    return JSONResponse(batch_record(context.services.batches.view(batch), context.urls(request)))
