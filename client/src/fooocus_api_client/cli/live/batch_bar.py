"""The live bar of a batch."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Union

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ...schema.batches import Batch, BatchResult
from ..frame.terminal import people


class BatchBar:
    """A bar on standard error that counts rows."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=people(),
            transient=True,
        )
        self._row = self._progress.add_task("Waiting", total=None)

    def __enter__(self) -> BatchBar:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._progress.__exit__(kind, error, traceback)

    def show(self, event: Union[Batch, BatchResult]) -> None:
        """Show the counts of an event; one of a row alone has none."""
        if isinstance(event, Batch):
            counts = event.counts
            ended = counts.succeeded + counts.failed + counts.cancelled
            words = event.pause.reason if event.pause is not None else event.status.capitalize()
            failed = f", {counts.failed} failed" if counts.failed else ""
            self._progress.update(self._row, description=f"{words}{failed}", completed=ended, total=counts.total)
