"""Batches: thousands of requests at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional, Union

from ..calls import batches
from ..calls.batches import Rows
from ..schema.batches import Batch, BatchList, BatchResult
from ..wire.request import Parameter
from .transport import Transport

PAGE_SIZE = 500
"""Results of one request."""


class Batches:
    """The batches that the key may see."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        rows: Rows,
        *,
        skip_invalid: bool = False,
        webhook_url: Optional[str] = None,
        encoding: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> Batch:
        """Send a batch.

        Args:
            rows: fields of each request as dictionaries, with `prompt` and, if you like, `custom_id`; one dictionary with
                `request` and `combine`; or a file with CSV, JSON Lines or JSON, as `pathlib.Path`. A text is CSV itself.
            skip_invalid: store invalid rows as failed ones, in place of refusing the batch.
            encoding: the encoding of a CSV file that is not UTF-8.

        Raises:
            InvalidFields: rows are invalid; each of `errors` has its row.
        """
        parameters: dict[str, Parameter] = {"skip_invalid": skip_invalid or None}
        parameters.update({"webhook_url": webhook_url, "encoding": encoding})
        return self._transport.call(batches.create(rows, parameters, idempotency_key))

    def get(self, batch_id: str) -> Batch:
        """Return a batch's counts, its estimated time and its first failed rows."""
        return self._transport.call(batches.get(batch_id))

    def page(self, *, page: int = 0, page_size: int = 20) -> BatchList:
        """Return a page of batches, the newest first."""
        return self._transport.call(batches.page(page, page_size))

    def watch(self, batch_id: str) -> Iterator[Union[Batch, BatchResult]]:
        """Yield each row as it ends, and the batch when its counts change. The last one is the ended batch."""
        for event in self._transport.events(batches.events(batch_id, self._transport.retries)):
            yield event

    def wait(
        self,
        batch_id: str,
        *,
        on_event: Optional[Callable[[Union[Batch, BatchResult]], object]] = None,
    ) -> Batch:
        """Return a batch once each of its rows has ended."""
        for event in self.watch(batch_id):
            if on_event is not None:
                on_event(event)
        return self.get(batch_id)

    def results(self, batch_id: str) -> Iterator[BatchResult]:
        """Yield the rows that have ended, in the order of their numbers."""
        after = 0
        while True:
            found = self._transport.call(batches.results(batch_id, after, PAGE_SIZE))
            for result in found:
                yield result
            if len(found) < PAGE_SIZE:
                return
            after = found[-1].row

    def save_archive(
        self,
        batch_id: str,
        path: Union[str, Path],
        *,
        from_row: Optional[int] = None,
        to_row: Optional[int] = None,
    ) -> Path:
        """Save the images of a batch, and `results.jsonl`, as a ZIP file. An older one stays until the new one is complete."""
        request = batches.archive(batch_id, from_row, to_row)
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            with part.open("wb") as file:
                for chunk in self._transport.chunks(request):
                    file.write(chunk)
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return target

    def stop(self, batch_id: str) -> Batch:
        """Queue no more rows, and take back those that wait in the queue."""
        return self._transport.call(batches.action(batch_id, "stop"))

    def resume(self, batch_id: str) -> Batch:
        """Let a stopped batch continue."""
        return self._transport.call(batches.action(batch_id, "resume"))

    def retry(self, batch_id: str, *, cancelled: bool = False) -> Batch:
        """Generate the failed rows again, with `cancelled` also those whose tasks were stopped."""
        return self._transport.call(batches.action(batch_id, "retry", {"cancelled": cancelled or None}))

    def delete(self, batch_id: str, *, images: bool = False) -> None:
        """Stop and delete a batch, with `images` also its tasks and images."""
        self._transport.call(batches.delete(batch_id, images))
