"""`GET /v1/batches/{batch_id}/archive.zip`: the images of a batch in one file, which is made while it is sent."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....tasks.batches.model import Batch, Row
from ....tasks.model.task import Image
from ...context import ApiContext, Context
from ...requests.batches.row_errors import MAX_ROWS
from ...requests.parameter_names import NamingRoute
from ...responses.problems import Problem, invalid_field, responses
from ...responses.public_urls import PublicUrls
from ...schemas.batch import result_of
from ...security.authorization import access_watcher, require_scope
from ..images.outputs import find_output
from .batches import BatchId, visible_batch
from .results import ended_rows

MAX_IMAGES = 50_000
"""Images in one archive: each takes memory until the end."""
PART_BYTES = 2**18
RESULTS = "results.jsonl"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP file can hold."""
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
    lasts = access_watcher(request, Scope.READ)
    archive = _Archive(context, batch, context.urls(request), from_row - 1, to_row)

    def parts() -> Iterator[bytes]:
        for part in archive.parts():
            if not lasts():
                raise ConnectionAbortedError("access revoked")  # the file lacks its end, so that a client notices
            yield part

    headers = {"Content-Disposition": f'attachment; filename="batch_{batch.batch_id}.zip"', "Accept-Ranges": "none"}
    return StreamingResponse(parts(), media_type="application/zip", headers=headers)


class _Sink:
    """The bytes of the file that are not sent yet. It can't seek, so that sizes follow the content."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing, as there is no buffer."""

    def close(self) -> None:
        """Do nothing, as nothing is open."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _Archive:
    """One archive, made once."""

    def __init__(self, context: Context, batch: Batch, urls: PublicUrls, after: int, last: int) -> None:
        self._context = context
        self._batch = batch
        self._urls = urls
        self._after = after
        self._last = last
        self._sink = _Sink()
        self._stored: set[str] = set()

    def parts(self) -> Iterator[bytes]:
        """Yield the file's bytes."""
        with zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED) as archive:
            for row, task in ended_rows(self._context, self._batch, self._after, self._last):
                for position, image in enumerate(task.images if task is not None else (), 1):
                    yield from self._image(archive, name_of(row, position, image), image)
            yield from self._results(archive)
        yield self._sink.taken()

    def _image(self, archive: zipfile.ZipFile, name: str, image: Image) -> Iterator[bytes]:
        try:
            path = find_output(self._context, PurePosixPath(image.path))
            file = path.open("rb")
        except (Problem, OSError):
            return
        with file, archive.open(zipfile.ZipInfo(name, _time_of(path)), "w", force_zip64=True) as entry:
            yield from self._copied(file, entry)
        self._stored.add(name)

    def _copied(self, file: IO[bytes], entry: IO[bytes]) -> Iterator[bytes]:
        while part := file.read(PART_BYTES):
            entry.write(part)
            yield self._sink.taken()

    def _results(self, archive: zipfile.ZipFile) -> Iterator[bytes]:
        with archive.open(zipfile.ZipInfo(RESULTS, time.localtime()[:6]), "w", force_zip64=True) as entry:
            for row, task in ended_rows(self._context, self._batch, self._after, self._last):
                line = result_of(row, task, self._urls)
                for position, (found, image) in enumerate(
                    zip(line["images"], task.images if task else (), strict=True), 1
                ):
                    name = name_of(row, position, image)
                    found["file"] = name if name in self._stored else None
                entry.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                yield self._sink.taken()


def name_of(row: Row, position: int, image: Image) -> str:
    """Return an image's name in the archive. The number keeps it from being a reserved name, and a `custom_id` has only letters,
    digits and `._-`."""
    return f"{row.number:05d}_{row.custom_id}_{position}{PurePosixPath(image.path).suffix}"


def _time_of(path: Path) -> tuple[int, int, int, int, int, int]:
    year, month, day, hour, minute, second = time.localtime(path.stat().st_mtime)[:6]
    return max((year, month, day, hour, minute, second), EARLIEST)
