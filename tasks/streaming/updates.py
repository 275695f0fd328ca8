"""Updates about tasks, as subscribers get them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from ...images.preview import PreviewImage
from ..model.outlook import NO_OUTLOOK, Outlook
from ..model.task import Image, Task

Kind = Literal["queued", "started", "progress", "image", "finished", "failed", "stopped", "interrupted"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Update:
    """A change of a task.

    `number` counts all updates of this process, from 1. `task` is a copy as of the update. `preview` comes with some updates
    of kind `progress`, `image` with each of kind `image`; both are None otherwise. `outlook` holds the queue position and ETA.
    """

    number: int
    kind: Kind
    task: Task
    preview: PreviewImage | None = None
    image: Image | None = None
    outlook: Outlook = NO_OUTLOOK
    _cache: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_terminal(self) -> bool:
        return self.task.status.is_terminal

    def without_picture(self) -> Update:
        """Return the update without its preview, which may have megabytes."""
        return self if self.preview is None else Update(self.number, self.kind, self.task, outlook=self.outlook)

    def cached(self, key: Hashable, render: Callable[[], T]) -> T:
        """Return `render()`, called once per key. Callers on several event loops may call it twice."""
        if key not in self._cache:
            self._cache[key] = render()
        return self._cache[key]  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Notice in place of updates that a subscriber has missed: `count` of them, None if unknown. The last one had
    `number`."""

    count: int | None
    number: int


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Sign of life to a subscriber after a time without updates."""
