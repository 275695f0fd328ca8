"""What listeners are told of tasks. Made by the tracker, handed out by the broadcast."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from .forecast import NOTHING, Outlook
from .preview import PreviewImage
from .task import Image, Task

Kind = Literal["queued", "started", "progress", "image", "finished", "failed", "stopped", "interrupted"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Update:
    """Something that happened to a task.

    `number` counts all updates of this process, from 1. `task` is a copy as it was then. `preview` comes with some of the
    `progress`, `image` with each `image`, and both are None otherwise. `outlook` is what is known of the time to come.
    """

    number: int
    kind: Kind
    task: Task
    preview: PreviewImage | None = None
    image: Image | None = None
    outlook: Outlook = NOTHING
    _rendered: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_terminal(self) -> bool:
        return self.task.status.is_terminal

    def without_picture(self) -> Update:
        """The same for who has no use for a preview: it may be megabytes."""
        return self if self.preview is None else Update(self.number, self.kind, self.task, outlook=self.outlook)

    def rendered(self, key: Hashable, render: Callable[[], T]) -> T:
        """What `render` makes of it, made once for all who have the same key. On one event loop, or twice at worst."""
        if key not in self._rendered:
            self._rendered[key] = render()
        return self._rendered[key]  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Told in place of updates that a listener did not get: `count` of them, None when nobody knows. The last of them is
    `number`."""

    count: int | None
    number: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing has happened for a while, and the listener is still connected."""
