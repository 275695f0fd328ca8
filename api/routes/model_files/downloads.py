"""`/v1/engine/model-files/downloads`: states and events of downloads; cancels and resumes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Request
from fastapi.responses import Response

from ....asgi.error_codes import ErrorCode
from ....asgi.problem import shortened
from ....auth.keys import Scope
from ....tasks.model_files.downloads import ModelDownloads, UnknownDownload, WrongDownloadState
from ....tasks.model_files.receiving.records import DownloadRecord, DownloadRequest
from ...context import ApiContext
from ...requests.json_body import JsonRoute
from ...responses.problems import Problem, responses
from ...responses.sse import PING, message, sse_openapi_content
from ...security.authorization import require_scope
from ...security.event_streams import StreamAccess, event_stream
from ...security.exposure import KEY_IF_EXPOSED
from .download_fields import check_fields
from .schemas import DownloadResponse, DownloadsResponse, ResumeRequest

PATH = "/v1/engine/model-files/downloads"
DownloadId = Annotated[str, Path(description="The id of the download.")]
LastEventId = Annotated[str | None, Header(description="The `id` of the last event that the client received.")]

router = APIRouter(
    tags=["model files"], route_class=JsonRoute, dependencies=[require_scope(Scope.ADMIN), KEY_IF_EXPOSED]
)


@router.get(PATH, summary="Downloads of model files", responses=responses(401, 403, 503))
def list_downloads(context: ApiContext) -> DownloadsResponse:
    """List the downloads, the newest first. The last 100 that have ended are kept."""
    return DownloadsResponse(downloads=[DownloadResponse.of(record) for record in context.model_files.downloads.all()])


@router.get(f"{PATH}/{{download_id}}", summary="A download's state", responses=responses(401, 403, 404, 503))
def get_download(context: ApiContext, download_id: DownloadId) -> DownloadResponse:
    """Return the current state of a download."""
    return DownloadResponse.of(_found(context.model_files.downloads, download_id))


@router.get(
    f"{PATH}/{{download_id}}/events",
    summary="Events of a download",
    response_class=Response,
    responses={
        **responses(401, 403, 404, 503),
        200: {
            "description": "Server-sent events; the `data` of each is a `DownloadResponse`.",
            "content": sse_openapi_content(DownloadResponse.__name__),
        },
        204: {"description": "The download has ended, and the client has received its last event: do not reconnect."},
    },
)
def download_events(
    context: ApiContext, request: Request, download_id: DownloadId, last_event_id: LastEventId = None
) -> Response:
    """Stream the states of a download: each change, and the progress at most twice a second.

    An event's name is the state. The first event is the current state. The stream ends when the download does, and when it is
    paused.
    """
    downloads = context.model_files.downloads
    record = _found(downloads, download_id)
    if not record.state.is_active and last_event_id == _event_id(record):
        return Response(status_code=204)
    return event_stream(request, Scope.ADMIN, partial(_states, downloads, download_id))


@router.post(
    f"{PATH}/{{download_id}}/cancel", summary="Cancel a download", responses=responses(401, 403, 404, 409, 422, 503)
)
def cancel(context: ApiContext, download_id: DownloadId) -> DownloadResponse:
    """Cancel a download and discard what it has received. One that is done or cancelled answers 409."""
    try:
        return DownloadResponse.of(context.model_files.downloads.cancel(download_id))
    except UnknownDownload as error:
        raise _unknown(download_id) from error
    except WrongDownloadState as error:
        raise Problem(ErrorCode.WRONG_DOWNLOAD_STATE, str(error)) from error


@router.post(
    f"{PATH}/{{download_id}}/resume",
    summary="Resume a download",
    responses=responses(401, 403, 404, 409, 413, 422, 503),
)
def resume(
    context: ApiContext, download_id: DownloadId, body: Annotated[ResumeRequest | None, Body()] = None
) -> DownloadResponse:
    """Continue a failed or paused download with what it has received. Any other answers 409."""
    parts, given = context.model_files, body or ResumeRequest()
    _found(parts.downloads, download_id)
    check_fields(given, given.url, given.headers, parts.client)

    def change(before: DownloadRequest) -> DownloadRequest:
        headers = before.headers if given.headers is None else dict(given.headers)
        return replace(before, url=given.url or before.url, headers=headers)

    try:
        return DownloadResponse.of(parts.downloads.resume(download_id, change))
    except UnknownDownload as error:
        raise _unknown(download_id) from error
    except WrongDownloadState as error:
        raise Problem(ErrorCode.WRONG_DOWNLOAD_STATE, str(error)) from error


async def _states(downloads: ModelDownloads, download_id: str, access: StreamAccess) -> AsyncGenerator[bytes, None]:
    with downloads.watchers.subscribe(download_id) as subscription:
        access.watch(subscription)
        record = downloads.get(download_id)
        yield _event(record)
        if not record.state.is_active:
            return
        async for newer in subscription:
            if newer is None:
                yield PING
            elif newer.version > record.version:
                record = newer
                yield _event(record)
                if not record.state.is_active:
                    return


def _event(record: DownloadRecord) -> bytes:
    return message(DownloadResponse.of(record).model_dump(mode="json"), record.state.value, _event_id(record))


def _event_id(record: DownloadRecord) -> str:
    return f"{record.download_id}-{record.version}"


def _found(downloads: ModelDownloads, download_id: str) -> DownloadRecord:
    try:
        return downloads.get(download_id)
    except UnknownDownload as error:
        raise _unknown(download_id) from error


def _unknown(download_id: str) -> Problem:
    return Problem(ErrorCode.DOWNLOAD_NOT_FOUND, f"download {shortened(download_id)} does not exist")
