"""The live bar of one task, with its newest preview above it."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Optional

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ...calls.tasks import Previews, TaskUpdate
from ...schema.events import TaskEvent
from ..frame.terminal import people
from ..pictures.preview import SIZES, PreviewPicture, cleared

PHASES = {
    "queued": "Waiting",
    "loading": "Loading models",
    "preparing": "Preparing",
    "sampling": "Generating",
    "decoding": "Decoding",
    "saving": "Saving",
}
"""Phase of a task → its words in the bar."""
REFRESH_RATES = {"iterm": 2, "sixel": 2}
"""Way to show previews → times per second at which the bar is written, each time with the whole picture; 4 for the others."""


class TaskBar:
    """A bar on standard error. `way` is the way to show previews, `none` for none."""

    def __init__(self, way: str, console: Optional[Console] = None) -> None:
        self._console = console or people()
        self._way = way
        self._picture: Optional[PreviewPicture] = None
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remaining]}"),
            console=self._console,
        )
        self._row = self._progress.add_task("Waiting", total=100, remaining="")
        rate = REFRESH_RATES.get(way, 4)
        self._live = Live(
            get_renderable=self._renderable, console=self._console, transient=True, refresh_per_second=rate
        )

    def __enter__(self) -> TaskBar:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._live.__exit__(kind, error, traceback)
        cleared(self._console, self._way)

    @property
    def previews(self) -> Optional[Previews]:
        """The form of the previews that the bar shows, None for none."""
        return None if self._way == "none" else Previews("png", SIZES[self._way])

    def show(self, update: TaskUpdate) -> None:
        """Show an event."""
        event = update.event
        if update.preview is not None and self._way != "none":
            with suppress(ValueError):  # a damaged picture is no reason to end
                self._picture = PreviewPicture(update.preview, self._way)
        self._progress.update(
            self._row, description=words_of(event), completed=event.progress or 0, remaining=remaining_of(event)
        )

    def _renderable(self) -> RenderableType:
        return Group(self._picture, self._progress) if self._picture is not None else self._progress


def words_of(event: TaskEvent) -> str:
    """Return the current work of a task in a few words."""
    if event.phase == "queued" and event.queue_position:
        plural = "s" if event.queue_position > 1 else ""
        return f"Waiting for {event.queue_position} task{plural}"
    words = PHASES.get(event.phase or "", event.task_status.capitalize())
    if event.phase == "sampling" and event.steps:
        words += f", step {event.step or 0}/{event.steps}"
    if event.image_count and event.image_count > 1:
        words += f", image {event.image_number}/{event.image_count}"
    return words


def remaining_of(event: TaskEvent) -> str:
    """Return the estimated time until the end, an empty text if it is unknown."""
    if event.eta_seconds is None:
        return ""
    minutes, seconds = divmod(max(0, round(event.eta_seconds)), 60)
    return f"about {minutes}:{seconds:02} left"
