"""`GET /v1/batches/{batch_id}/archive.zip`: the images of a batch in one file, which is made while it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....tasks.batches.model import Batch, Row
from ....tasks.model.task import Image
from ...context import ApiContext, Context
from ...images.output_files import find_output
from ...requests.batches.row_errors import MAX_ROWS
from ...requests.parameter_names import NamingRoute
from ...responses.problems import Problem, invalid_field, responses
from ...responses.public_urls import PublicUrls
from ...schemas.batch import result_of
from ...security.authorization import require_scope
from ..images.zip_stream import MAX_IMAGES, ZipStream, zip_response
from .batches import BatchId, visible_batch
from .results import ended_rows

RESULTS = "results.jsonl"
router = APIRouter(tags=["batches"], route_class=NamingRoute, dependencies=[require_scope(Scope.READ)])


@router.get(
    "/v1/batches/{batch_id}/archive.zip",
    summary="Images of a batch",
    response_class=Response,
    responses={
        200: {"description": "A ZIP file.", "content": {"application/zip": {}}},
        **responses(401, 404, 422, 503),
    },
)
def get_archive(
    context: ApiContext,
    request: Request,
    batch_id: BatchId,
    from_row: Annotated[int, Query(ge=1, le=MAX_ROWS, description="The first row.")] = 1,
    to_row: Annotated[int, Query(ge=1, le=MAX_ROWS, description="The last row.")] = MAX_ROWS,
) -> Response:
    """Return the images of the rows that have ended, named by row and `custom_id`, and `results.jsonl` with a line for each of
    these rows, as `/results` has it. An image that does not exist any more has no `file` there."""
    batch = visible_batch(context, request, batch_id)
    number = context.services.batches.store.images(batch, from_row - 1, to_row)
    if number > MAX_IMAGES:
        message = (
            f"these rows have {number:,} images; at most {MAX_IMAGES:,} fit into one archive, use from_row and to_row"
        )
        raise invalid_field("to_row", FieldErrorCode.OUT_OF_RANGE, message)
    archive = _Archive(context, batch, context.urls(request), from_row - 1, to_row)
    return zip_response(request, archive.parts, f"batch_{batch.batch_id}.zip")


class _Archive:
    """One archive, made once."""

    def __init__(self, context: Context, batch: Batch, urls: PublicUrls, after: int, last: int) -> None:
        self._context = context
        self._batch = batch
        self._urls = urls
        self._after = after
        self._last = last
        self._zip = ZipStream()
        self._stored: set[str] = set()

    def parts(self) -> Iterator[bytes]:
        """Yield the file's bytes."""
        for row, task in ended_rows(self._context, self._batch, self._after, self._last):
            for position, image in enumerate(task.images if task is not None else (), 1):
                yield from self._image(name_of(row, position, image), image)
        yield from self._zip.lines(RESULTS, self._results())
        yield self._zip.end()

    def _image(self, name: str, image: Image) -> Iterator[bytes]:
        try:
            path = find_output(self._context, PurePosixPath(image.path))
        except Problem:
            return
        if (yield from self._zip.file(name, path)):
            self._stored.add(name)

    def _results(self) -> Iterator[bytes]:
        for row, task in ended_rows(self._context, self._batch, self._after, self._last):
            line = result_of(row, task, self._urls)
            for position, (found, image) in enumerate(zip(line["images"], task.images if task else (), strict=True), 1):
                name = name_of(row, position, image)
                found["file"] = name if name in self._stored else None
            yield json.dumps(line, ensure_ascii=False).encode()


def name_of(row: Row, position: int, image: Image) -> str:
    """Return an image's name in the archive. The number keeps it from being a reserved name, and a `custom_id` has only letters,
    digits and `._-`."""
    return f"{row.number:05d}_{row.custom_id}_{position}{PurePosixPath(image.path).suffix}"
