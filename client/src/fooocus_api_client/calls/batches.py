"""Calls about batches."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from ..schema.batches import Batch, BatchList, BatchResult
from ..wire.image_files import json_value
from ..wire.request import Answer, Call, Parameter, Request, parsed, reader
from ..wire.stream import EventStream
from .generation import new_key

BATCHES = "/v1/batches"
Rows = Union[str, bytes, "os.PathLike[str]", Mapping[str, Any], Iterable[Mapping[str, Any]]]
"""A batch: rows as dictionaries; one dictionary with `request` and `combine`; the path or the content of a file with CSV, JSON
Lines or JSON."""
KINDS = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".json": "application/json",
}
"""Ending of a file → its type."""


def create(rows: Rows, parameters: dict[str, Parameter], key: Optional[str]) -> Call[Batch]:
    """Send a batch.

    Raises:
        ValueError: the file's name does not end with one of `KINDS`.
        OSError: the file can't be read.
    """
    kind, content = content_of(rows)
    headers = {"Content-Type": kind, "Idempotency-Key": key or new_key()}
    return Call(Request("POST", BATCHES, params=parameters, headers=headers, content=content), reader(Batch))


def content_of(rows: Rows) -> tuple[str, bytes]:
    """Return the type and the bytes of a batch's body. Text that is no file is CSV."""
    if isinstance(rows, (str, bytes)):
        return "text/csv", rows.encode() if isinstance(rows, str) else rows
    if isinstance(rows, os.PathLike):
        path = Path(rows)
        kind = KINDS.get(path.suffix.lower())
        if kind is None:
            raise ValueError(f"{path.name} is of an unknown kind; its name must end with one of {', '.join(KINDS)}")
        return kind, path.read_bytes()
    if isinstance(rows, Mapping):
        return "application/json", json.dumps(json_value(dict(rows)), allow_nan=False).encode()
    lines = (json.dumps(json_value(dict(row)), allow_nan=False) for row in rows)
    return "application/x-ndjson", "\n".join(lines).encode()


def get(batch_id: str) -> Call[Batch]:
    """Read a batch."""
    return Call(Request("GET", f"{BATCHES}/{batch_id}", outlasts=True), reader(Batch))


def page(number: int, page_size: int) -> Call[BatchList]:
    """Read a page of batches."""
    return Call(Request("GET", BATCHES, params={"page": number, "page_size": page_size}), reader(BatchList))


def action(batch_id: str, name: str, parameters: Optional[dict[str, Parameter]] = None) -> Call[Batch]:
    """Stop, resume or retry a batch."""
    request = Request("POST", f"{BATCHES}/{batch_id}/{name}", params=parameters or {}, repeatable=False)
    return Call(request, reader(Batch))


def delete(batch_id: str, images: bool) -> Call[None]:
    """Delete a batch."""
    request = Request("DELETE", f"{BATCHES}/{batch_id}", params={"images": images}, repeatable=False)
    return Call(request, lambda _: None)


def results(batch_id: str, after: int, limit: int) -> Call[list[BatchResult]]:
    """Read a page of the rows that have ended, in the order of their numbers."""

    def read(answer: Answer) -> list[BatchResult]:
        lines = [line for line in answer.content.splitlines() if line.strip()]
        return [parsed(BatchResult, dataclasses.replace(answer, content=line).json()) for line in lines]

    params: dict[str, Parameter] = {"after": after, "limit": limit}
    return Call(Request("GET", f"{BATCHES}/{batch_id}/results", params=params, outlasts=True), read)


def archive(batch_id: str, from_row: Optional[int], to_row: Optional[int]) -> Request:
    """Return the request for the archive of images."""
    return Request("GET", f"{BATCHES}/{batch_id}/archive.zip", params={"from_row": from_row, "to_row": to_row})


def events(batch_id: str, retries: int) -> EventStream[Union[Batch, BatchResult]]:
    """Follow a batch to its end: each row as it ends, and the batch when its counts change."""

    def read(name: str, data: dict[str, Any]) -> Union[Batch, BatchResult]:
        return parsed(BatchResult, data) if name == "row" else parsed(Batch, data)

    request = Request("GET", f"{BATCHES}/{batch_id}/events", outlasts=True)
    return EventStream(request, read, lambda name, _: name == "ended", continues=True, retries=retries)
